// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Dispatch
import Foundation
import Synchronization
import Testing

@testable import PasswordHashing

@Suite("Password hashing")
struct PasswordHashingTests {
    struct File: Decodable {
        struct Case: Decodable, Sendable, CustomTestStringConvertible {
            let memory_kib, iterations, parallelism: UInt32
            let salt, email, password, email_hash, password_hash: String
            var testDescription: String { "\(memory_kib) KiB, \(salt), \(email)" }
        }
        let cases: [Case]
    }

    static let cases: [File.Case] = {
        guard let directory = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let data = try? Data(contentsOf: directory.appending(path: "argon2.json")),
            let file = try? JSONDecoder().decode(File.self, from: data)
        else { preconditionFailure("the vectors are part of the test bundle") }
        return file.cases
    }()

    @Test("hashes of e-mail addresses and passwords are those of the vectors", arguments: cases)
    func vector(_ vector: File.Case) async throws {
        let function: Argon2id = vector.memory_kib == 1024 ? .pomadeTest : .pomade
        #expect(function.memory == vector.memory_kib)
        #expect(function.iterations == vector.iterations)
        #expect(function.lanes == vector.parallelism)
        let queue = HashingQueue(function)
        let salt = Array(vector.salt.utf8)
        async let email = queue.hash(Array(vector.email.utf8), salt: salt)
        async let password = queue.hash(Array((vector.email + vector.password).utf8), salt: salt)
        #expect(Hex.encode(try await email) == vector.email_hash)
        #expect(Hex.encode(try await password) == vector.password_hash)
    }

    @Test("the file of vectors is whole")
    func complete() {
        #expect(Self.cases.count >= 5)
        #expect(Set(Self.cases.map(\.memory_kib)) == [1024, 65536])
    }

    @Test("an empty password has a hash; a salt that is too short has none")
    func edges() throws {
        #expect(try Argon2id.pomadeTest.hash([], salt: Array("http://a".utf8)).count == 32)
        #expect(throws: HashingError.self) { try Argon2id.pomadeTest.hash([1], salt: [1, 2, 3]) }
    }

    /// A queue whose hashing waits for the test, and what it saw.
    private final class Gate: Sendable {
        let permits = DispatchSemaphore(value: 0)
        let computed = Mutex<[[UInt8]]>([])
        let onPool = Mutex(false)

        func queue(workers: Int, waiting: Int) -> HashingQueue {
            HashingQueue(workers: workers, waiting: waiting) { [self] password, _ throws(HashingError) in
                permits.wait()
                if withUnsafeCurrentTask(body: { $0 != nil }) { onPool.withLock { $0 = true } }
                computed.withLock { $0.append(password) }
                return password
            }
        }
    }

    private func until(_ condition: () -> Bool) async {
        while !condition() { await Task.yield() }
    }

    @Test("a full line is refused at once, and nothing is lost", .timeLimit(.minutes(1)))
    func full() async throws {
        let gate = Gate()
        let queue = gate.queue(workers: 2, waiting: 3)
        let tasks = (0..<5).map { number in Task { try await queue.hash([UInt8(number)], salt: []) } }
        await until { queue.runningCount == 2 && queue.waitingCount == 3 }
        for _ in 0..<10 {
            await #expect(throws: HashingError.busy) { try await queue.hash([99], salt: []) }
        }
        for _ in 0..<5 { gate.permits.signal() }
        for (number, task) in tasks.enumerated() { #expect(try await task.value == [UInt8(number)]) }
        #expect(queue.runningCount == 0)
        #expect(queue.waitingCount == 0)
        #expect(gate.computed.withLock { $0.count } == 5)
        #expect(gate.onPool.withLock { !$0 })
    }

    @Test("a caller that gives up leaves the line, and its place is free", .timeLimit(.minutes(1)))
    func cancellation() async throws {
        let gate = Gate()
        let queue = gate.queue(workers: 1, waiting: 1)
        let first = Task { try await queue.hash([1], salt: []) }
        await until { queue.runningCount == 1 }
        let second = Task { try await queue.hash([2], salt: []) }
        await until { queue.waitingCount == 1 }
        second.cancel()
        await #expect(throws: HashingError.cancelled) { try await second.value }
        #expect(queue.waitingCount == 0)
        let third = Task { try await queue.hash([3], salt: []) }
        await until { queue.waitingCount == 1 }
        for _ in 0..<2 { gate.permits.signal() }
        #expect(try await first.value == [1])
        #expect(try await third.value == [3])
        #expect(gate.computed.withLock { $0 } == [[1], [3]])
    }

    @Test("a caller that was cancelled before it came is not worked for", .timeLimit(.minutes(1)))
    func cancelledBefore() async throws {
        let gate = Gate()
        let queue = gate.queue(workers: 1, waiting: 1)
        let task = Task {
            await until { Task.isCancelled }
            return try await queue.hash([1], salt: [])
        }
        task.cancel()
        await #expect(throws: HashingError.cancelled) { try await task.value }
        #expect(gate.computed.withLock { $0.isEmpty })
        #expect(queue.runningCount == 0)
    }

    @Test("a hash that has begun is finished for a caller that gives up", .timeLimit(.minutes(1)))
    func cancelledWhileRunning() async throws {
        let gate = Gate()
        let queue = gate.queue(workers: 1, waiting: 0)
        let task = Task { try await queue.hash([1], salt: []) }
        await until { queue.runningCount == 1 }
        task.cancel()
        gate.permits.signal()
        #expect(try await task.value == [1])
        #expect(queue.runningCount == 0)
    }
}
