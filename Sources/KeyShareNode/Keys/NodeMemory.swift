// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// Keeps a node's memory from files: core dumps and swap.
public enum NodeMemory {
    /// What could be done.
    public struct Protection: Sendable, Hashable {
        /// No core dumps, and nobody but root may read the process's memory.
        public let isUndumpable: Bool
        /// Nothing is swapped out.
        public let isLocked: Bool
    }

    /// Switches core dumps off, and locks the memory when the process may lock as much as it likes.
    ///
    /// With a limit to what may be locked, allocations would fail later on; nothing is locked then.
    public static func protect() -> Protection {
        let isUndumpable = clinux_set_dumpable(0) == 0
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        // Only pages that are used, else every thread's stack would count in full.
        let isLocked = clinux_may_lock_all_memory() != 0 && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0
        return Protection(isUndumpable: isUndumpable, isLocked: isLocked)
    }
}
