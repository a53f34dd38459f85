// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
internal import LightningPrimitives
internal import Metrics
public import Nostr
internal import Pomade
internal import Secp256k1
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A key that several signers hold together, used like one at hand.
///
/// Signers are asked in quorums of exactly the threshold: the next quorum is tried as soon as one fails, and beside it
/// when it takes longer than a second. Every answer is checked against the signer's registered share.
public final class ThresholdSigner: Sendable {
    /// After how long the next quorum is tried beside those before it.
    static let patience: Duration = .seconds(1)
    /// Seconds for which a signer that failed is asked last.
    static let suspicion: Int64 = 60

    public let state: ClientState
    let connections: [Int: SignerConnection]
    let now: @Sendable () -> Int64
    private let suspects = Mutex<[Int: (fault: SignerFault, until: Int64)]>([:])
    let pool = NoncePool()

    /// Takes a client's state.
    ///
    /// - Parameter now: Unix seconds.
    /// - Throws: ``ThresholdError/invalid(_:)`` when a URL is none or the signers are fewer than the threshold.
    public init(_ state: ClientState, now: @escaping @Sendable () -> Int64 = unixSeconds) throws(ThresholdError) {
        var connections: [Int: SignerConnection] = [:]
        for member in state.members { connections[member.idx] = try SignerConnection(member.url) }
        guard connections.count >= state.group.wire.threshold else {
            throw .invalid("the state names \(connections.count) signers, the key needs \(state.group.wire.threshold)")
        }
        self.state = state
        self.connections = connections
        self.now = now
    }

    /// The user's public key, under which all signatures verify.
    public var key: NostrKey {
        guard let key = NostrKey(state.userKey.bytes) else { preconditionFailure("x has 32 bytes") }
        return key
    }

    /// Signatures that would take one round, because their nonces are here already.
    public var readyNonces: Int { pool.count }

    /// Who failed in the last minute and has not been of use since, and how: also when others took the place.
    public var faults: [SignerFault] {
        let time = now()
        return suspects.withLock { $0.values.filter { time < $0.until }.map(\.fault) }.sorted { $0.number < $1.number }
    }

    var own: SignerConnection.Signer { SignerConnection.Signer(state.client) }

    /// Asks one member and says who it was when that fails.
    func ask<Content: Decodable & Sendable>(
        _ number: Int,
        _ route: SignerRoute,
        _ body: some Encodable & Sendable,
        as signer: SignerConnection.Signer? = nil
    ) async throws(SignerFault) -> Content {
        guard let connection = connections[number] else {
            throw SignerFault(number: number, url: "-", problem: .unreachable("no URL is known"))
        }
        do throws(SignerProblem) {
            return try await connection.ask(route, body, as: signer ?? own, now: now())
        } catch {
            throw SignerFault(number: number, url: connection.url, problem: error)
        }
    }

    func fault(_ number: Int, _ why: String) -> SignerFault {
        SignerFault(number: number, url: connections[number]?.url ?? "-", problem: .faulty(why))
    }

    /// All members in the order in which to ask: who failed lately comes last.
    var preference: [Int] {
        let time = now()
        let suspects = suspects.withLock { suspects in
            suspects = suspects.filter { time < $0.value.until }
            return suspects
        }
        let numbers = state.members.map(\.idx)
        return numbers.filter { suspects[$0] == nil } + numbers.filter { suspects[$0] != nil }
    }

    func suspect(_ fault: SignerFault) {
        Counter(label: "frost_signer_failures_total", dimensions: [("signer", String(fault.number))]).increment()
        suspects.withLock { $0[fault.number] = (fault, now() + Self.suspicion) }
    }

    func trust(_ members: [Int]) {
        suspects.withLock { suspects in for member in members { suspects[member] = nil } }
    }
}

/// Seconds since 1970.
@Sendable public func unixSeconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec)
}
