// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc

/// A running server, as its `postmaster.pid` describes it.
struct ServerProcess: Sendable, Hashable {
    let processID: Int32
    /// Whether it accepts connections.
    let isReady: Bool

    /// The server of a data directory, or `nil` when none runs.
    static func current(_ layout: ClusterLayout) -> ServerProcess? {
        // Lines: process id, data directory, start, port, socket directory, address, shared memory, status.
        guard let bytes = FileManager.default.contents(atPath: layout.pidFile) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let processID = Int32(first), processID > 1, isServer(processID) else {
            return nil
        }
        let isReady = lines.count > 7 && lines[7].hasPrefix("ready")
        return ServerProcess(processID: processID, isReady: isReady && accepts(layout.socket))
    }

    /// Buries a killed server that became our child because we are process 1 of a container.
    static func reap(_ layout: ClusterLayout) {
        guard let bytes = FileManager.default.contents(atPath: layout.pidFile),
            let processID = Int32(String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber }), processID > 1
        else { return }
        _ = waitpid(processID, nil, WNOHANG)
    }

    /// Whether the process lives and is a database server: a stale file may name anybody.
    private static func isServer(_ processID: Int32) -> Bool {
        guard let bytes = FileManager.default.contents(atPath: "/proc/\(processID)/stat") else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return false }
        let name = text[text.index(after: open)..<close]
        let state = text[text.index(after: close)...].first { $0 != " " }
        return name == "postgres" && state != "Z"
    }

    /// Whether somebody listens on a socket.
    private static func accepts(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }

    /// Asks the server to stop and waits; returns whether it did.
    func stop(_ signal: Int32, within limit: Duration) async -> Bool {
        _ = kill(processID, signal)
        return await poll(within: limit) { !Self.isServer(processID) }
    }

    /// Checks a condition every 10 ms until it holds or the time is over; goes on when the task is cancelled.
    static func poll(within limit: Duration, _ condition: () -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while !condition() {
            guard ContinuousClock.now < deadline else { return false }
            // A cancelled task does not sleep; the server's stop is worth a short spin then.
            if (try? await Task.sleep(for: .milliseconds(10))) == nil { usleep(10_000) }
        }
        return true
    }

    private func poll(within limit: Duration, _ condition: () -> Bool) async -> Bool {
        await Self.poll(within: limit, condition)
    }
}
