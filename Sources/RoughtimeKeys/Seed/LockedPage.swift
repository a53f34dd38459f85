// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A page of memory that is never swapped, left out of core dumps, empty in a forked child, and overwritten at its end.
final class LockedPage {
    private static let size = Int(sysconf(Int32(_SC_PAGESIZE)))
    private let page: UnsafeMutableRawPointer

    /// Takes a page of zeros.
    init() throws(RoughtimeKeyError) {
        guard let page = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            page != MAP_FAILED
        else { throw .system("get a page of memory for the seed") }
        guard mlock(page, Self.size) == 0 else {
            let error = RoughtimeKeyError.system("lock the seed's page in memory; raise LimitMEMLOCK (ulimit -l)")
            munmap(page, Self.size)
            throw error
        }
        // Not every kernel knows these two; the process as a whole leaves no core dump (ProcessMemory).
        _ = madvise(page, Self.size, MADV_DONTDUMP)
        _ = madvise(page, Self.size, MADV_WIPEONFORK)
        self.page = page
    }

    deinit {
        overwrite()
        munlock(page, Self.size)
        munmap(page, Self.size)
    }

    /// Writes zeros over the page; unlike memset, this is never left out because nobody reads the page afterwards.
    func overwrite() { explicit_bzero(page, Self.size) }

    /// The first bytes of the page, good while the page is.
    func bytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(count <= Self.size)
        return UnsafeMutableRawBufferPointer(start: page, count: count)
    }
}
