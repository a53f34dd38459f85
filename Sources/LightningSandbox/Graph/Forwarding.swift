// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import LightningPrimitives

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// At which end of a foreign channel its money lies: secret in the real network, and always the same here.
///
/// Drawn from the channel's number: mostly near one end or the other, as in real channels, sometimes anywhere.
enum HiddenBalance {
    private static let scaleSat = 300_000.0

    /// What `node1` can send, in msat.
    static func firstNodeMsat(channel: UInt64, capacitySat: Int64) -> Int64 {
        let digest = Array(SHA256.hash(data: Array("sandbox balance \(channel)".utf8)))
        let kind = unit(digest[0..<8])
        let draw = unit(digest[8..<16])
        let capacity = Double(capacitySat)
        let near = min(capacity, -Self.scaleSat * log(1 - draw))
        let sat = kind < 0.45 ? near : kind < 0.9 ? capacity - near : draw * capacity
        return Int64((sat * 1000).rounded(.down))
    }

    /// Eight bytes as a number from 0 to below 1.
    private static func unit(_ bytes: ArraySlice<UInt8>) -> Double {
        Double(bytes.reduce(0) { $0 << 8 | UInt64($1) } >> 11) / Double(1 << 53)
    }
}

/// One hop of a route that a caller wants to be tried.
struct SentHop: Sendable {
    let channelID: UInt64
    let node: NodeID
    let forwardMsat: Int64
    let feeMsat: Int64
    let expiry: Int
    /// Base64, of the last hop.
    let paymentAddress: String?

    /// What the channel has to carry.
    var carriedMsat: Int64 { forwardMsat + feeMsat }

    /// Reads a hop as LND's JSON has it.
    init(_ node: JSONNode) throws(RPCError) {
        func number(_ msat: String, _ sat: String) -> Int64 {
            if let value = node[msat]?.digits.flatMap({ Int64($0) }), value != 0 { return value }
            let value = node[sat]?.digits.flatMap { Int64($0) } ?? 0
            return value.multipliedReportingOverflow(by: 1000).overflow ? -1 : value * 1000
        }
        guard let id = node["chan_id"]?.digits.flatMap({ UInt64($0) }) else { throw RPCError("a hop without chan_id") }
        guard let key = node["pub_key"]?.string.flatMap({ NodeID(hex: $0) }) else {
            throw RPCError("a hop without pub_key: the sandbox does not look it up")
        }
        channelID = id
        self.node = key
        forwardMsat = number("amt_to_forward_msat", "amt_to_forward")
        feeMsat = number("fee_msat", "fee")
        expiry = node["expiry"]?.digits.flatMap { Int($0) } ?? 0
        paymentAddress = node["mpp_record"]?["payment_addr"]?.string
        let supply = MilliSatoshi.supply.msat
        guard (1...supply).contains(forwardMsat), (0...supply).contains(feeMsat) else {
            throw RPCError("a hop's amounts are not of this world")
        }
    }

    var routeHop: RouteHop {
        RouteHop(
            channelID: channelID,
            destination: node.hex,
            forwardMsat: forwardMsat,
            feeMsat: feeMsat,
            expiry: expiry,
            paymentAddress: paymentAddress
        )
    }
}

/// Why a route cannot be gone to its end, and which node says so: 0 is the sender.
struct ForwardingFailure: Sendable, Hashable {
    let code: String
    let source: Int
}

extension GraphIndex {
    /// Sends an HTLC along the hops behind the first one, as far as it comes.
    ///
    /// - Returns: `nil` when it arrives.
    func forward(_ hops: [SentHop]) -> ForwardingFailure? {
        for position in hops.indices.dropFirst() {
            let (hop, before) = (hops[position], hops[position - 1])
            if let code = refusal(of: hop, from: before.node, fee: before.feeMsat) {
                return ForwardingFailure(code: code, source: position)
            }
        }
        return nil
    }

    private func refusal(of hop: SentHop, from node: NodeID, fee: Int64) -> String? {
        guard let number = channelOf[hop.channelID] else { return "UNKNOWN_NEXT_PEER" }
        let channel = channels[number]
        let isFirst = vertices[channel.node1].id == node
        let (near, far) = isFirst ? (channel.node1, channel.node2) : (channel.node2, channel.node1)
        guard vertices[near].id == node, vertices[far].id == hop.node else { return "UNKNOWN_NEXT_PEER" }
        guard let policy = isFirst ? channel.policy1 : channel.policy2, !policy.isDisabled else {
            return "CHANNEL_DISABLED"
        }
        guard hop.carriedMsat >= policy.minMsat else { return "AMOUNT_BELOW_MINIMUM" }
        guard policy.maxMsat == 0 || hop.carriedMsat <= policy.maxMsat else { return "TEMPORARY_CHANNEL_FAILURE" }
        guard let asked = policy.fee(hop.carriedMsat), fee >= asked else { return "FEE_INSUFFICIENT" }
        let first = HiddenBalance.firstNodeMsat(channel: channel.id, capacitySat: channel.capacitySat)
        let balance = isFirst ? first : channel.capacitySat * 1000 - first
        return hop.carriedMsat <= balance ? nil : "TEMPORARY_CHANNEL_FAILURE"
    }
}
