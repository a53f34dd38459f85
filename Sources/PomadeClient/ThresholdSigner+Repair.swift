// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Pomade

extension ThresholdSigner {
    /// Has a lost share made again by other members, at the same signer or at another.
    ///
    /// All of them must have been told of each other by their operators (`POMADE_PEERS`). The session that comes of it
    /// signs, and recovers nothing.
    /// - Parameters:
    ///   - number: whose share was lost.
    ///   - url: the signer that gets it.
    ///   - work: the zero bits of the proof of work.
    /// - Returns: the state to keep in place of this one.
    /// - Throws: ``ThresholdError``, or `CancellationError`.
    public func repair(
        _ number: Int,
        at url: String,
        work: Int = KeyDealing.usualWork
    ) async throws -> ClientState {
        guard state.group.wire.commits.contains(where: { $0.idx == number }) else {
            throw ThresholdError.invalid("the group has no member \(number)")
        }
        let target = try SignerConnection(url)
        let helpers = Array(preference.filter { $0 != number }.prefix(state.group.wire.threshold)).sorted()
        let sums = try await attempt {
            let identity = try await self.identity(of: target, number)
            let known = try await Self.all(helpers) { helper throws(SignerFault) in
                guard let connection = self.connections[helper] else { throw self.fault(helper, "no URL is known") }
                return PomadeBody.Participant(idx: helper, identity: try await self.identity(of: connection, helper))
            }
            let peers = known.sorted { $0.key < $1.key }.map(\.value)
            let sums = try await self.sums(
                for: PomadeBody.Participant(idx: number, identity: identity),
                by: peers
            )
            return (peers, sums)
        }
        let body = PomadeBody.Repair.take(
            .init(group: state.group.wire, idx: number, helpers: sums.0, sums: sums.1)
        )
        let signer = SignerConnection.Signer(state.client, work: work)
        do throws(SignerProblem) {
            let _: PomadeContent.Nothing = try await target.ask(.repair, body, as: signer, now: now())
        } catch {
            throw ThresholdError.tooFewSigners(
                needed: 1,
                faults: [SignerFault(number: number, url: url, problem: error)]
            )
        }
        var state = state
        state.members.removeAll { $0.idx == number }
        state.members.append(ClientState.Member(idx: number, url: url))
        state.members.sort { $0.idx < $1.idx }
        return state
    }

    private func identity(of connection: SignerConnection, _ number: Int) async throws(SignerFault) -> Hex32 {
        do throws(SignerProblem) { return try await connection.identity(now: now()) } catch {
            throw SignerFault(number: number, url: connection.url, problem: error)
        }
    }

    private func sums(
        for target: PomadeBody.Participant,
        by peers: [PomadeBody.Participant]
    ) async throws -> [PomadeBody.SealedPart] {
        let numbers = peers.map(\.idx)
        let deltas = try await Self.all(numbers) { number throws(SignerFault) in
            let answer: PomadeContent.RepairDeltas = try await self.ask(
                number,
                .repair,
                PomadeBody.Repair.begin(.init(target: target, helpers: peers))
            )
            return answer.deltas
        }
        let sums = try await Self.all(numbers) { number throws(SignerFault) in
            let parts = deltas.flatMap { sender, parts in
                parts.filter { $0.idx == number }.map { PomadeBody.SealedPart(idx: sender, payload: $0.payload) }
            }
            let answer: PomadeContent.RepairSum = try await self.ask(
                number,
                .repair,
                PomadeBody.Repair.sum(.init(deltas: parts))
            )
            return answer.sum
        }
        return sums.map { PomadeBody.SealedPart(idx: $0.key, payload: $0.value.payload) }
    }

    private func attempt<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let failure as AttemptFailure {
            throw ThresholdError.tooFewSigners(needed: state.group.wire.threshold, faults: failure.faults)
        } catch let fault as SignerFault {
            throw ThresholdError.tooFewSigners(needed: state.group.wire.threshold, faults: [fault])
        }
    }
}
