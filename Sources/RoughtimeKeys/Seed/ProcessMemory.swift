// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// Keeps this process's memory from others of the same user.
public enum ProcessMemory {
    /// Makes core dumps, `ptrace` and `/proc/PID/mem` impossible for all but root, for the rest of the process's life.
    public static func protect() throws(RoughtimeKeyError) {
        guard clinux_set_dumpable(0) == 0 else { throw .system("switch off core dumps") }
    }

    /// Whether ``protect()`` is in force.
    public static var isProtected: Bool { clinux_get_dumpable() == 0 }
}
