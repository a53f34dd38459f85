// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Collection<UInt8> {
    /// Calls with the bytes in one piece of memory.
    ///
    /// Generic code that is called from another module runs through a table of functions for every element; behind this
    /// call it is a plain loop.
    package func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        withContiguousStorageIfAvailable(body) ?? Array(self).withUnsafeBufferPointer(body)
    }
}
