// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import Pomade
internal import Synchronization

/// What an attempt with one quorum failed of.
struct AttemptFailure: Error {
    /// Never empty.
    let faults: [SignerFault]
}

/// What each signer answered.
private final class Answers<Value: Sendable>: Sendable {
    let results = Mutex<[Int: Result<Value, SignerFault>]>([:])
}

extension ThresholdSigner {
    /// All quorums of exactly the threshold, those of preferred signers first.
    static func quorums(of numbers: [Int], count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        guard let first = numbers.first else { return [] }
        let rest = Array(numbers.dropFirst())
        return quorums(of: rest, count: count - 1).map { [first] + $0 } + quorums(of: rest, count: count)
    }

    private enum Turn<Value: Sendable>: Sendable {
        case ended(Result<Value, AttemptFailure>)
        /// The attempt with this number has taken a while.
        case late(Int)
    }

    /// Tries quorums until one succeeds; the others are cancelled.
    ///
    /// - Throws: ``ThresholdError/tooFewSigners(needed:faults:)`` with every signer that failed, or `CancellationError`.
    func race<Value: Sendable>(
        _ attempt: @escaping @Sendable ([Int]) async throws(AttemptFailure) -> Value
    ) async throws -> Value {
        let needed = state.group.wire.threshold
        let quorums = Self.quorums(of: preference, count: needed)
        let outcome: Result<Value, ThresholdError> = await withTaskGroup(of: Turn<Value>.self) { group in
            var waiting = quorums[...]
            var faults: [Int: SignerFault] = [:]
            var (started, running) = (0, 0)
            func startNext() {
                // Who failed once in this race is not asked again in it.
                while let next = waiting.first, next.contains(where: { faults[$0] != nil }) { waiting.removeFirst() }
                guard let quorum = waiting.popFirst() else { return }
                started += 1
                running += 1
                let number = started
                Counter(label: "frost_attempts_total").increment()
                group.addTask {
                    do throws(AttemptFailure) { return .ended(.success(try await attempt(quorum))) } catch {
                        return .ended(.failure(error))
                    }
                }
                group.addTask {
                    try? await Task.sleep(for: Self.patience)
                    return .late(number)
                }
            }
            startNext()
            defer { group.cancelAll() }
            while running > 0, let turn = await group.next() {
                switch turn {
                case .ended(.success(let value)): return .success(value)
                case .ended(.failure(let failure)):
                    running -= 1
                    for fault in failure.faults where faults.updateValue(fault, forKey: fault.number) == nil {
                        if !Task.isCancelled { suspect(fault) }
                    }
                    if running == 0, !Task.isCancelled { startNext() }
                case .late(let number): if number == started, !Task.isCancelled { startNext() }
                }
            }
            return .failure(
                .tooFewSigners(needed: needed, faults: faults.values.sorted { $0.number < $1.number })
            )
        }
        try Task.checkCancellation()
        return try outcome.get()
    }

    /// Asks all members of a quorum at once.
    ///
    /// - Throws: ``AttemptFailure`` with everybody who failed, when anybody did.
    static func all<Value: Sendable>(
        _ members: [Int],
        _ ask: @escaping @Sendable (Int) async throws(SignerFault) -> Value
    ) async throws(AttemptFailure) -> [Int: Value] {
        let results = await each(members, ask)
        var (values, faults) = ([Int: Value](), [SignerFault]())
        for (number, result) in results {
            switch result {
            case .success(let value): values[number] = value
            case .failure(let fault): faults.append(fault)
            }
        }
        guard faults.isEmpty else { throw AttemptFailure(faults: faults) }
        return values
    }

    /// Asks all at once and gives everybody's answer or failure.
    static func each<Value: Sendable>(
        _ members: [Int],
        _ ask: @escaping @Sendable (Int) async throws(SignerFault) -> Value
    ) async -> [Int: Result<Value, SignerFault>] {
        // Answers go into a place of their own each: a group that hands over large tuples, some of them made from typed
        // errors, mixes up their fields in optimised builds of Swift 6.3.
        let answers = Answers<Value>()
        await withTaskGroup(of: Void.self) { group in
            for member in members {
                group.addTask {
                    let result = await Self.result(of: member, ask)
                    answers.results.withLock { $0[member] = result }
                }
            }
        }
        return answers.results.withLock { $0 }
    }

    private static func result<Value: Sendable>(
        of member: Int,
        _ ask: @Sendable (Int) async throws(SignerFault) -> Value
    ) async -> Result<Value, SignerFault> {
        do throws(SignerFault) { return .success(try await ask(member)) } catch { return .failure(error) }
    }
}
