// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Deadlines
import Testing

@Suite("Deadlines")
struct DeadlineTests {
    @Test("what ends in time has its result")
    func inTime() async throws {
        #expect(try await withDeadline(.seconds(600)) { 7 } == 7)
    }

    @Test("what fails in time has its own error")
    func failure() async throws {
        struct Broken: Error {}
        await #expect(throws: Broken.self) { try await withDeadline(.seconds(600)) { throw Broken() } }
    }

    @Test("what takes too long is cancelled, and has ended when its caller goes on", arguments: [0, 1, 20])
    func tooLate(milliseconds: Int) async throws {
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.milliseconds(milliseconds)) { try await Task.sleep(for: .seconds(600)) }
        }
    }

    @Test("a result that comes after the deadline is none")
    func lateResult() async throws {
        await #expect(throws: DeadlineExceeded.self) {
            try await withDeadline(.milliseconds(5)) {
                try? await Task.sleep(for: .seconds(600))
                return 7
            }
        }
    }

    @Test("cancelling the caller cancels the operation")
    func cancellation() async throws {
        let task = Task { try await withDeadline(.seconds(600)) { try await Task.sleep(for: .seconds(600)) } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a near deadline is kept while a thousand far ones are set and forgotten")
    func many() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<1000 {
                group.addTask {
                    guard index.isMultiple(of: 10) else { return try await withDeadline(.seconds(600 - index / 2)) {} }
                    await #expect(throws: DeadlineExceeded.self) {
                        try await withDeadline(.milliseconds(index % 50)) { try await Task.sleep(for: .seconds(600)) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
