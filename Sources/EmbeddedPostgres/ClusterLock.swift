// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// An exclusive hold on a cluster: two of our processes never share one.
///
/// The kernel drops it with the process. The descriptor is closed on exec, so the server does not inherit it.
final class ClusterLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock; waits a second at most.
    ///
    /// A child of ours holds a copy of a closed descriptor for the moment between fork and exec.
    init(path: String) throws(EmbeddedPostgresError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EmbeddedPostgresError(.directoryUnusable, "\(path): \(String(cString: strerror(errno)))")
        }
        var tries = 50
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, tries > 0 {
            tries -= 1
            usleep(20_000)
        }
        guard tries > 0 else {
            throw EmbeddedPostgresError(
                .inUse,
                "another assay process\(Self.holder(descriptor)) uses this database (lock \(path))"
            )
        }
        _ = ftruncate(descriptor, 0)
        let text = "\(getpid())\n"
        _ = text.withCString { write(descriptor, $0, text.utf8.count) }
    }

    deinit { close(descriptor) }

    private static func holder(_ descriptor: Int32) -> String {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 1) { buffer in
            let count = pread(descriptor, buffer.baseAddress, 32, 0)
            guard count > 0 else { return "" }
            let digits = buffer.prefix(count).prefix { (48...57).contains($0) }
            return digits.isEmpty ? "" : " (\(String(decoding: digits, as: UTF8.self)))"
        }
    }
}
