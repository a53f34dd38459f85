// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOPosix
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// An append-only file of lines that are on the disk before anyone is told of them.
///
/// Lines that arrive while the disk is busy go out together in the next write, so one `fdatasync` serves many callers.
/// A line that was cut short by a crash is dropped when the file is opened again: nobody was told of it.
final class Journal: Sendable {
    private struct Waiter {
        let sequence: UInt64
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var buffer: [UInt8] = []
        var appended: UInt64 = 0
        var durable: UInt64 = 0
        var waiters: [Waiter] = []
        var isWriting = false
        var failure: SandboxError?
    }

    private let descriptor: Int32
    private let path: String
    private let writer = NIOThreadPool(numberOfThreads: 1)
    private let state = Mutex(State())
    /// Called on the writer's thread when more lines have become durable.
    private let onDurable: @Sendable () -> Void

    /// Opens or makes the file, readable only by its owner, and reads its lines.
    ///
    /// Blocks. Another process that has the file open is an error.
    static func open(
        path: String,
        onDurable: @escaping @Sendable () -> Void
    ) throws(SandboxError) -> (journal: Journal, lines: [[UInt8]]) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("open", path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw SandboxError(.inUse, "\(path) is in use by another process")
        }
        let journal = Journal(descriptor: descriptor, path: path, onDurable: onDurable)
        return (journal, try journal.readLines())
    }

    private init(descriptor: Int32, path: String, onDurable: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.path = path
        self.onDurable = onDurable
        writer.start()
    }

    deinit {
        writer.shutdownGracefully { _ in }
        close(descriptor)
    }

    /// Takes a line for writing; it ends with a line feed.
    ///
    /// - Returns: what to wait for with ``wait(for:)``.
    func append(_ line: [UInt8]) -> UInt64 {
        let (sequence, mustWrite) = state.withLock { state in
            state.buffer += line
            state.appended += 1
            defer { state.isWriting = true }
            return (state.appended, !state.isWriting)
        }
        if mustWrite { writer.submit { [self] _ in writeAll() } }
        return sequence
    }

    /// Waits until a line, and all before it, are on the disk.
    func wait(for sequence: UInt64) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let outcome: Result<Void, any Error>? = state.withLock { state in
                if let failure = state.failure { return .failure(failure) }
                if state.durable >= sequence { return .success(()) }
                state.waiters.append(Waiter(sequence: sequence, continuation: continuation))
                return nil
            }
            if let outcome { continuation.resume(with: outcome) }
        }
    }

    /// Lets the file go after what has been appended is written; later lines are refused.
    func release() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            writer.submit { [self] _ in
                writeAll()
                state.withLock { state in
                    state.failure = state.failure ?? SandboxError(.stopped, "the sandbox has stopped")
                }
                flock(descriptor, LOCK_UN)
                continuation.resume()
            }
        }
    }

    private func writeAll() {
        while let (bytes, sequence) = nextBatch() {
            let failure = write(bytes)
            let ready = state.withLock { state in
                if let failure {
                    state.failure = failure
                } else {
                    state.durable = sequence
                }
                let ready = state.waiters.filter { $0.sequence <= sequence || failure != nil }
                state.waiters.removeAll { $0.sequence <= sequence || failure != nil }
                return ready
            }
            for waiter in ready {
                waiter.continuation.resume(with: failure.map { .failure($0) } ?? .success(()))
            }
            if failure == nil { onDurable() }
        }
    }

    private func nextBatch() -> ([UInt8], UInt64)? {
        state.withLock { state in
            guard !state.buffer.isEmpty, state.failure == nil else {
                state.isWriting = false
                return nil
            }
            defer { state.buffer = [] }
            return (state.buffer, state.appended)
        }
    }

    private func write(_ bytes: [UInt8]) -> SandboxError? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .system("write", path) }
            rest = rest.dropFirst(count)
        }
        return fdatasync(descriptor) == 0 ? nil : .system("fdatasync", path)
    }

    private func readLines() throws(SandboxError) -> [[UInt8]] {
        var content: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = block.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system("read", path) }
            guard count > 0 else { break }
            content += block[..<count]
        }
        let whole = (content.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
        if whole < content.count, ftruncate(descriptor, off_t(whole)) != 0 { throw .system("truncate", path) }
        return content[..<whole].split(separator: UInt8(ascii: "\n")).map(Array.init)
    }
}
