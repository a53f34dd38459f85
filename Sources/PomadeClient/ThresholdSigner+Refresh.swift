// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
public import Pomade
internal import Secp256k1

extension ThresholdSigner {
    /// Deals new shares of the same key to all signers, so that shares stolen before and after do not add up.
    ///
    /// All signers stage theirs first and change then.
    /// - Returns: the state to keep in place of this one.
    /// - Throws: ``ThresholdError/tooFewSigners(needed:faults:)`` when one did not stage its share: nothing has changed.
    ///   ``ThresholdError/halfRefreshed(group:faults:)`` when one could not be told to change: keep a state with that
    ///   group and call ``finishRefresh(to:)``.
    public func refresh() async throws -> ClientState {
        let stages = try stages()
        let numbers = state.members.map(\.idx)
        guard Set(numbers) == Set(stages.keys) else {
            throw ThresholdError.invalid("a refresh needs all signers of the group, and the state names fewer")
        }
        let results = await Self.each(numbers) { number throws(SignerFault) in
            guard let stage = stages[number] else { return }
            let _: PomadeContent.Nothing = try await self.ask(number, .refreshStage, stage)
        }
        let faults = Self.faults(results)
        guard faults.isEmpty, let wire = stages.values.first?.group else {
            throw ThresholdError.tooFewSigners(needed: numbers.count, faults: faults)
        }
        return try await finishRefresh(to: wire)
    }

    /// Tells all signers to change to shares that they have staged.
    ///
    /// - Throws: as ``refresh()``.
    public func finishRefresh(to wire: WireGroup) async throws -> ClientState {
        let group: RegisteredGroup
        do throws(SignerFailure) { group = try RegisteredGroup(wire) } catch {
            throw ThresholdError.invalid(error.message)
        }
        guard let gid = Hex32(group.id) else { throw ThresholdError.invalid("a group's id has 32 bytes") }
        let results = await Self.each(state.members.map(\.idx)) { number throws(SignerFault) in
            let _: PomadeContent.Nothing = try await self.ask(
                number,
                .refreshCommit,
                PomadeBody.RefreshCommit(gid: gid)
            )
        }
        let faults = Self.faults(results)
        guard faults.isEmpty else { throw ThresholdError.halfRefreshed(group: wire, faults: faults) }
        var state = state
        state.group = group
        return state
    }

    private static func faults<Value>(_ results: [Int: Result<Value, SignerFault>]) -> [SignerFault] {
        results.sorted { $0.key < $1.key }.compactMap { _, result in
            if case .failure(let fault) = result { fault } else { nil }
        }
    }

    private func stages() throws(ThresholdError) -> [Int: PomadeBody.RefreshStage] {
        let old = state.group.group
        guard old.threshold > 1 else {
            throw .invalid("with threshold 1 every share is the key itself: there is nothing to refresh")
        }
        do throws(FROSTError) {
            let refresh = try Refresh(group: old, participants: old.participants)
            let group = try old.refreshed(by: [refresh.commitment], participants: old.participants)
            var commits: [WireCommit] = []
            for participant in group.participants {
                guard let share = group.publicShares[participant], let hidden = Scalar.random().point,
                    let binder = Scalar.random().point
                else { throw FROSTError.zeroKey }
                commits.append(
                    WireCommit(
                        idx: Int(participant.number),
                        pubkey: HexBytes(certain: share.compressed),
                        hiddenNonce: HexBytes(certain: hidden.compressed),
                        binderNonce: HexBytes(certain: binder.compressed)
                    )
                )
            }
            let wire = WireGroup(commits: commits, key: state.group.wire.key, threshold: old.threshold)
            let commitments: [Hex33] = refresh.commitment.rest.map { HexBytes(certain: $0.compressed) }
            return Dictionary(
                uniqueKeysWithValues: refresh.deltas.map { participant, delta in
                    let number = Int(participant.number)
                    let part = PomadeBody.RefreshStage.Delta(idx: number, delta: HexBytes(certain: delta.rawBytes))
                    return (number, PomadeBody.RefreshStage(group: wire, delta: part, commitments: commitments))
                }
            )
        } catch { throw .invalid("the shares could not be renewed, try again: \(error)") }
    }
}
