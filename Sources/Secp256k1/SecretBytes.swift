// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// 32 bytes that are overwritten before their memory is given back.
///
/// Unchecked because of the pointer: nobody writes through it once `init` has returned, so there is nothing to lock.
package final class SecretBytes: @unchecked Sendable {
    package static let count = 32
    private let start: UnsafeMutablePointer<UInt8>

    /// Allocates zeros and lets the closure write them.
    package init(_ write: (UnsafeMutablePointer<UInt8>) -> Void) {
        start = .allocate(capacity: Self.count)
        start.initialize(repeating: 0, count: Self.count)
        write(start)
    }

    deinit {
        overwrite(UnsafeMutableRawBufferPointer(start: start, count: Self.count))
        start.deallocate()
    }

    /// Lends the bytes for the length of the call.
    package func withPointer<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        withExtendedLifetime(self) { body(UnsafePointer(start)) }
    }
}

/// Writes zeros over bytes in a way that the optimiser may not leave out.
public func overwrite(_ bytes: UnsafeMutableRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    #if canImport(Darwin)
        memset_s(start, bytes.count, 0, bytes.count)
    #else
        explicit_bzero(start, bytes.count)
    #endif
}

/// Writes zeros over an array that held a secret.
///
/// The array must be its storage's only owner; a copy made before keeps the secret.
public func overwrite(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { overwrite($0) }
}
