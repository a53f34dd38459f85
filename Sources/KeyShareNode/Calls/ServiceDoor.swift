// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Counts the calls that are running, and keeps new ones out while the store is exchanged.
final class ServiceDoor: Sendable {
    private struct State {
        var running = 0
        var isShut = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var isShut: Bool { state.withLock(\.isShut) }

    /// Begins a call; `false` while the door is shut.
    func enter() -> Bool {
        state.withLock { state in
            guard !state.isShut else { return false }
            state.running += 1
            return true
        }
    }

    func leave() {
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.running -= 1
            guard state.running == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Shuts the door; `false` when somebody else has.
    func shut() -> Bool {
        state.withLock { state in
            guard !state.isShut else { return false }
            state.isShut = true
            return true
        }
    }

    /// Waits until all have left; statements have deadlines, so all do.
    func waitUntilEmpty() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                guard state.running > 0 else { return true }
                state.waiting.append(continuation)
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }

    func unlock() { state.withLock { $0.isShut = false } }
}
