// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Keeps two runs from using the same data directory; released by the kernel when the process ends, however it ends.
public final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock, or returns `nil` when another process still holds it after a second.
    ///
    /// A child of ours holds a copy of a closed descriptor for the moment between fork and exec.
    public init?(directory: String) {
        let descriptor = open("\(directory)/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        var tries = 50
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0, tries > 0 {
            tries -= 1
            usleep(20_000)
        }
        guard tries > 0 else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
