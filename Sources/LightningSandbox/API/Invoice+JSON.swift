// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

extension Invoice {
    /// The invoice as LND's message `Invoice`; `withHTLCs` is false for answers that leave the details out.
    func json(withHTLCs: Bool = true) -> JSON {
        [
            "memo": .string(memo),
            "r_preimage": .string(preimage.base64),
            "r_hash": .string(hash.base64),
            "value": .text(msat / 1000),
            "value_msat": .text(msat),
            "settled": .bool(state == .settled),
            "creation_date": .text(creationDate),
            "settle_date": .text(settlement?.date ?? 0),
            "payment_request": .string(paymentRequest),
            "description_hash": .string(descriptionHash.base64),
            "expiry": .text(expirySeconds),
            "fallback_addr": .string(fallbackAddress),
            "cltv_expiry": .text(cltvExpiry),
            "route_hints": [],
            "private": .bool(isPrivate),
            "add_index": .text(addIndex),
            "settle_index": .text(settleIndex),
            "amt_paid": .text(settlement?.paidMsat ?? 0),
            "amt_paid_sat": .text((settlement?.paidMsat ?? 0) / 1000),
            "amt_paid_msat": .text(settlement?.paidMsat ?? 0),
            "state": .string(state.rawValue),
            "htlcs": .array(withHTLCs ? htlcs : []),
            "features": Features.json(LedgerState.invoiceFeatures),
            "is_keysend": false,
            "payment_addr": .string(paymentAddress.base64),
            "is_amp": false,
            "amp_invoice_state": [:],
            "is_blinded": false,
            "blinded_path_config": .null,
        ]
    }

    private var htlcs: [JSON] {
        guard let settlement else { return [] }
        return [
            [
                "chan_id": .text(settlement.channelID),
                "htlc_index": .text(settlement.index),
                "amt_msat": .text(settlement.paidMsat),
                "accept_height": .integer(NodeFacts.blockHeight),
                "accept_time": .text(settlement.date),
                "resolve_time": .text(settlement.date),
                "expiry_height": .integer(NodeFacts.blockHeight + Int(cltvExpiry) + 3),
                "state": "SETTLED",
                "custom_records": [:],
                "mpp_total_amt_msat": .text(settlement.paidMsat),
                "amp": .null,
                "custom_channel_data": "",
            ]
        ]
    }
}
