// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import ByteCoding
internal import LightningPrimitives

extension Endpoint {
    /// Decoding payment requests, and paying them.
    static let payments = [
        Endpoint(.get, "/v1/payreq/{pay_req}", "/lnrpc.Lightning/DecodePayReq") { node, arguments, _ in
            let text = arguments.path["pay_req"] ?? ""
            return .unary {
                let invoice = try PaymentRequest.read(text)
                let network = try await node.ledger.read { $0.network }
                guard invoice.network == network else {
                    throw RPCError("invoice not for current active network '\(network.rawValue)'")
                }
                return PaymentRequest.json(invoice)
            }
        },
        Endpoint(.post, "/v2/router/send", "/routerrpc.Router/SendPaymentV2", isStream: true, prepare: send),
        Endpoint(.get, "/v2/router/track/{payment_hash}", "/routerrpc.Router/TrackPaymentV2", isStream: true) {
            (node, arguments, _) throws(RPCError) in
            let hash = try arguments.pathBytes("payment_hash")
            _ = try arguments.bool("no_inflight_updates")
            return .stream {
                guard hash.count == 32 else { throw RPCError("invalid hash length of \(hash.count), want 32") }
                let payment = try await node.ledger.read { $0.accounts[node.account].payment(HexBytes(hash)) }
                guard let payment else { throw RPCError("payment isn't initiated", code: .notFound) }
                return ListedEvents([payment.json(.over)])
            }
        },
        Endpoint(.get, "/v1/payments", "/lnrpc.Lightning/ListPayments", prepare: listPayments),
    ]

    private static let sendFields: Set<String> = [
        "dest", "amt", "amt_msat", "payment_hash", "final_cltv_delta", "payment_addr", "payment_request",
        "timeout_seconds", "fee_limit_sat", "fee_limit_msat", "outgoing_chan_id", "outgoing_chan_ids",
        "last_hop_pubkey", "cltv_limit", "route_hints", "dest_custom_records", "allow_self_payment", "dest_features",
        "max_parts", "no_inflight_updates", "max_shard_size_msat", "amp", "time_pref", "cancelable",
        "first_hop_custom_records",
    ]

    private static func send(_ node: Node, _: Arguments, _ body: [UInt8]) throws(RPCError) -> Operation {
        let message = try Message(body, fields: sendFields)
        let text = try message.string("payment_request")
        let sat: Int64 = try message.integer("amt", "int64")
        let msat: Int64 = try message.integer("amt_msat", "int64")
        let feeLimit = (
            sat: try message.integer("fee_limit_sat", "int64") as Int64,
            msat: try message.integer("fee_limit_msat", "int64") as Int64
        )
        let timeout: Int32 = try message.integer("timeout_seconds", "int32")
        let finalOnly = try message.bool("no_inflight_updates")
        return .stream {
            guard !text.isEmpty else { throw RPCError("payment_request must be set: the sandbox pays invoices only") }
            guard timeout >= 0 else { throw RPCError("timeout_seconds must be specified") }
            // The sandbox's payments are free, so any limit will do; a contradiction will not.
            _ = try amount(sat: feeLimit.sat, msat: feeLimit.msat)
            let order = PaymentOrder(
                invoice: try PaymentRequest.read(text),
                msat: try amount(sat: sat, msat: msat)
            )
            let payment = try await node.ledger.change { (state) throws(RPCError) in
                try state.pay(order, payer: node.account, nowNs: node.clock.nowNs)
            }
            let moments = finalOnly ? [.over] : payment.moments
            return ListedEvents(moments.map { payment.json($0) })
        }
    }

    private static func listPayments(_ node: Node, _ arguments: Arguments, _: [UInt8]) throws(RPCError) -> Operation {
        let withFailed = try arguments.bool("include_incomplete")
        let offset: UInt64 = try arguments.number("index_offset")
        let most: Int = try arguments.number("max_payments")
        let isReversed = try arguments.bool("reversed")
        let withTotal = try arguments.bool("count_total_payments")
        return .unary {
            let all = try await node.ledger.read { $0.accounts[node.account].payments }
            let limit = most <= 0 ? 100 : most
            let fitting = all.filter { payment in
                (withFailed || payment.failure == nil)
                    && (isReversed ? offset == 0 || payment.index < offset : payment.index > offset)
            }
            let page = isReversed ? fitting.suffix(limit) : fitting.prefix(limit)
            return [
                "payments": .array(page.map { $0.json(.over) }),
                "first_index_offset": .text(page.first?.index ?? 0),
                "last_index_offset": .text(page.last?.index ?? 0),
                "total_num_payments": .text(withTotal ? all.count : 0),
            ]
        }
    }
}

/// A payment request as LND reads and shows it.
enum PaymentRequest {
    private static let charset = Set("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    /// Reads a BOLT 11 text, with LND's sentences about those that are none.
    static func read(_ text: String) throws(RPCError) -> Bolt11Invoice {
        let text = text.lowercased()
        guard text.utf8.count >= 8 else { throw RPCError("invalid bech32 string length \(text.utf8.count)") }
        guard let separator = text.utf8.lastIndex(of: UInt8(ascii: "1")), separator != text.utf8.startIndex,
            text.utf8[separator...].count >= 7
        else { throw RPCError("invalid index of 1") }
        if let bad = text.utf8[separator...].dropFirst().first(where: { !charset.contains($0) }) {
            throw RPCError("failed converting data to bytes: invalid character not part of charset: \(bad)")
        }
        do {
            return try Bolt11Invoice(parsing: text)
        } catch  where error.code == .badChecksum {
            throw RPCError("checksum failed")
        } catch {
            throw RPCError("invalid payment request: \(error.detail)")
        }
    }

    static func json(_ invoice: Bolt11Invoice) -> JSON {
        [
            "destination": .string(invoice.payee.hex),
            "payment_hash": .string(invoice.paymentHash.hex),
            "num_satoshis": .text((invoice.amount?.msat ?? 0) / 1000),
            "timestamp": .text(invoice.contents.timestamp),
            "expiry": .text(invoice.contents.expirySeconds),
            "description": .string(invoice.description ?? ""),
            "description_hash": .string(invoice.descriptionHash.map { Hex.encode($0) } ?? ""),
            "fallback_addr": "",
            "cltv_expiry": .text(invoice.contents.minFinalCLTVExpiryDelta),
            "route_hints": .array(invoice.contents.routeHints.map(hint)),
            "payment_addr": .string(Base64.encode(invoice.paymentSecret)),
            "num_msat": .text(invoice.amount?.msat ?? 0),
            "features": Features.json(invoice.contents.features),
            "blinded_paths": [],
        ]
    }

    private static func hint(_ hops: [Bolt11Invoice.Hop]) -> JSON {
        let hops = hops.map { hop -> JSON in
            [
                "node_id": .string(hop.node.hex),
                "chan_id": .text(hop.shortChannelID.rawValue),
                "fee_base_msat": .integer(Int(hop.feeBase.msat)),
                "fee_proportional_millionths": .integer(Int(hop.feeRate)),
                "cltv_expiry_delta": .integer(Int(hop.cltvExpiryDelta)),
            ]
        }
        return ["hop_hints": .array(hops)]
    }
}
