// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import Evidence
public import LND
public import LightningPrimitives
public import Postgres
internal import TrustScore

/// What attempts to send money teach about channels and about the nodes they lead to.
public struct PathEvidence: Sendable {
    /// A payment that arrived, or could have, weighs three free probes.
    static let weight = 3.0

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Writes down the attempts of a payment or a probe.
    ///
    /// - Parameters:
    ///   - isProbe: an HTLC that nobody could claim, rather than a payment.
    ///   - source: the node they left from.
    public func record(
        _ attempts: [HTLCAttempt],
        isProbe: Bool,
        from source: NodeID,
        at time: Int64 = unixTime()
    ) async throws(PostgresError) {
        var nodes: [Outcome] = []
        for attempt in attempts {
            guard let reach = Reach(attempt), let payee = attempt.route.hops.last else { continue }
            try await PathOutcomeStore(client).record(
                PathOutcome(
                    observedAt: time,
                    kind: isProbe ? .htlcProbe : .payment,
                    amountMsat: payee.amountToForward.msat,
                    hops: Self.hops(attempt.route, from: source),
                    // The next pass forecasts it before it learns from it.
                    failedHop: reach.failedHop
                )
            )
            guard let isReached = reach.isPayeeReached(hops: attempt.route.hops.count) else { continue }
            nodes.append(
                Outcome(
                    target: .node(Self.hash(of: payee.node)),
                    source: isProbe ? .probe : .paid,
                    stage: nil,
                    success: isReached,
                    weight: Self.weight,
                    label: isProbe ? "htlc_probe" : "payment",
                    observedAt: time
                )
            )
        }
        try await EvidenceStore(client).record(nodes)
    }

    /// The name under which evidence about a node is kept: SHA-256 of its key's hexadecimal digits.
    static func hash(of node: NodeID) -> [UInt8] { Array(SHA256.hash(data: Array(node.hex.utf8))) }

    static func hops(_ route: PaymentRoute, from source: NodeID) -> [PathOutcome.Hop] {
        var from = source
        return route.hops.map { hop in
            defer { from = hop.node }
            return PathOutcome.Hop(
                channel: hop.channel.rawValue,
                direction: from < hop.node ? 0 : 1,
                amountMsat: hop.amountCarried.msat
            )
        }
    }

    /// How far an attempt came.
    struct Reach: Equatable {
        /// The hop that could not; `nil` when all could.
        let failedHop: Int?

        /// Returns `nil` when the attempt says nothing about channels: it is still under way, or nobody can be named.
        init?(_ attempt: HTLCAttempt) {
            let hops = attempt.route.hops.count
            guard (1...27).contains(hops) else { return nil }
            switch (attempt.status, attempt.failure) {
            case (.succeeded, _): failedHop = nil
            case (.inFlight, _), (.failed, nil): return nil
            case (.failed, let failure?):
                if failure.sourceIndex >= hops {
                    // The payee got it, and refused.
                    failedHop = nil
                } else if failure.sourceIndex >= 0, Self.isAboutLiquidity(failure.code) {
                    failedHop = failure.sourceIndex
                } else {
                    return nil
                }
            }
        }

        /// A stale fee or a disabled channel says nothing about what the channel can carry.
        private static func isAboutLiquidity(_ code: HTLCFailure.Code) -> Bool {
            [.temporaryChannelFailure, .unknownNextPeer, .temporaryNodeFailure].contains(code)
        }

        /// Whether the payee can be paid; `nil` when the attempt ended before its own channel.
        func isPayeeReached(hops: Int) -> Bool? {
            guard let failedHop else { return true }
            return failedHop == hops - 1 ? false : nil
        }
    }
}
