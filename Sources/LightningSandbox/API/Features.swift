// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Feature bits (BOLT 9) with LND's names for them.
enum Features {
    private static let names: [Int: String] = [
        0: "data-loss-protect", 5: "upfront-shutdown-script", 7: "gossip-queries", 8: "tlv-onion",
        12: "static-remote-key", 14: "payment-addr", 17: "multi-path-payments", 23: "anchors-zero-fee-htlc-tx",
        25: "route-blinding", 27: "shutdown-any-segwit", 30: "amp", 31: "amp", 35: "quiescence",
        39: "onion-messages", 44: "explicit-commitment-type", 55: "keysend",
    ]

    /// What the node itself announces.
    static let node = [0, 5, 7, 8, 12, 14, 17, 23, 25, 27, 31, 35, 39, 44, 55]

    static func json(_ bits: [Int]) -> JSON {
        .object(
            bits.sorted().map { bit in
                let name = names[bit] ?? "unknown"
                return JSON.Field(
                    name: String(bit),
                    value: [
                        "name": .string(name),
                        "is_required": .bool(bit.isMultiple(of: 2)),
                        "is_known": .bool(names[bit] != nil),
                    ]
                )
            }
        )
    }
}
