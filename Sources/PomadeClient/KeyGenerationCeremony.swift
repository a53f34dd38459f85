// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Nostr
internal import Pomade
internal import Secp256k1

/// Has signers make a key that nobody ever holds: no file, no memory anywhere has it whole, not even for a moment.
public struct KeyGenerationCeremony: Sendable {
    private let threshold: Int
    private let connections: [Int: SignerConnection]
    private let client = SecretKey.random()
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - threshold: how many signers make a signature, 2 to their number.
    ///   - urls: 2 to 5 signers in the order in which they shall be asked.
    /// - Throws: ``ThresholdError/invalid(_:)``.
    public init(
        threshold: Int,
        urls: [String],
        now: @escaping @Sendable () -> Int64 = unixSeconds
    ) throws(ThresholdError) {
        guard (2...WireGroup.maximumShares).contains(urls.count), (2...urls.count).contains(threshold) else {
            throw .invalid("2 to 5 signers make a key, with a threshold from 2 to their number")
        }
        guard Set(urls).count == urls.count else {
            throw .invalid("a signer must not hold two shares of one key: name each URL once")
        }
        var connections: [Int: SignerConnection] = [:]
        for (index, url) in urls.enumerated() { connections[index + 1] = try SignerConnection(url) }
        self.threshold = threshold
        self.connections = connections
        self.now = now
    }

    /// Makes the key.
    ///
    /// - Parameters:
    ///   - recovery: whether an address may be attached, by which the key can be had; then it is made whole there.
    ///   - work: the zero bits of the proof of work.
    /// - Returns: what signing needs.
    /// - Throws: ``ThresholdError/tooFewSigners(needed:faults:)`` unless all take part to the end.
    public func run(recovery: Bool = false, work: Int = KeyDealing.usualWork) async throws -> ClientState {
        let participants = try await identities()
        let announced = try await all { number, connection throws(SignerProblem) in
            let body = PomadeBody.KeyGeneration.begin(
                .init(idx: number, threshold: threshold, recovery: recovery, participants: participants)
            )
            let answer: PomadeContent.GenerationBegun = try await ask(connection, body, work: work)
            return answer.announcement
        }
        let announcements = announced.sorted { $0.key < $1.key }.map(\.value)
        let shared = try await all { _, connection throws(SignerProblem) in
            let answer: PomadeContent.GenerationShares = try await ask(
                connection,
                .share(.init(announcements: announcements))
            )
            return answer
        }
        let groups = try await all { number, connection throws(SignerProblem) in
            let parts = shared.flatMap { sender, answer in
                answer.shares.filter { $0.idx == number }
                    .map { PomadeBody.SealedPart(idx: sender, payload: $0.payload) }
            }
            let answer: PomadeContent.Group = try await ask(connection, .finish(.init(shares: parts)))
            return answer.group
        }
        guard let wire = groups[1], groups.values.allSatisfy({ $0 == wire }) else {
            throw ThresholdError.invalid("the signers have made different groups: do not use this key, begin again")
        }
        let group: RegisteredGroup
        do throws(SignerFailure) { group = try RegisteredGroup(wire) } catch {
            throw ThresholdError.invalid("the signers' group does not fit together: \(error.message)")
        }
        let members = connections.sorted { $0.key < $1.key }.map { ClientState.Member(idx: $0.key, url: $0.value.url) }
        return ClientState(group: group, client: client, members: members)
    }

    private func ask<Content: Decodable & Sendable>(
        _ connection: SignerConnection,
        _ body: PomadeBody.KeyGeneration,
        work: Int = 0
    ) async throws(SignerProblem) -> Content {
        try await connection.ask(
            .keyGeneration,
            body,
            as: SignerConnection.Signer(client, work: work),
            now: now()
        )
    }

    private func identities() async throws -> [PomadeBody.Participant] {
        try await all { number, connection throws(SignerProblem) in
            PomadeBody.Participant(idx: number, identity: try await connection.identity(now: now()))
        }
        .sorted { $0.key < $1.key }.map(\.value)
    }

    private func all<Value: Sendable>(
        _ ask: @escaping @Sendable (Int, SignerConnection) async throws(SignerProblem) -> Value
    ) async throws -> [Int: Value] {
        let connections = connections
        do throws(AttemptFailure) {
            return try await ThresholdSigner.all(connections.keys.sorted()) { number throws(SignerFault) in
                guard let connection = connections[number] else {
                    throw SignerFault(number: number, url: "-", problem: .unreachable("no URL is known"))
                }
                do throws(SignerProblem) { return try await ask(number, connection) } catch {
                    throw SignerFault(number: number, url: connection.url, problem: error)
                }
            }
        } catch {
            try Task.checkCancellation()
            throw ThresholdError.tooFewSigners(needed: connections.count, faults: error.faults)
        }
    }
}

extension SignerConnection {
    /// Who the signer says it is, signed by itself and about this URL.
    func identity(now: Int64) async throws(SignerProblem) -> Hex32 {
        let info: PomadeContent.Info = try await ask(
            .info,
            PomadeContent.Nothing(),
            as: Signer(SecretKey.random()),
            now: now
        )
        guard info.event.key.bytes == info.pubkey.bytes, (try? info.event.verify()) != nil,
            ([info.statement.url] + info.statement.aliases).contains(url)
        else { throw .faulty("it does not prove who it is") }
        return info.pubkey
    }
}
