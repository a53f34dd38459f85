// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The hash of a version's tree and nonces.
public enum TreeHash: Sendable {
    /// All 64 bytes (Google).
    case sha512
    /// The first 32 bytes of SHA-512.
    case sha512First32
    /// SHA-512/256 of FIPS 180-4, with initial values of its own (drafts 02 and 07).
    case sha512_256

    /// Length of a digest, and so of a node, in bytes.
    public var length: Int { self == .sha512 ? 64 : 32 }

    /// The hash of some bytes.
    public func digest(_ bytes: [UInt8]) -> [UInt8] {
        Hasher512(self).digest(prefix: nil, bytes, [])
    }
}

/// Hashes leaves and nodes of one kind of tree; belongs to one thread.
final class Hasher512 {
    /// What stands before the data of a leaf and before two children (section 5.3 of RFC 10049).
    static let leafPrefix: UInt8 = 0
    static let nodePrefix: UInt8 = 1

    private let core: SHA512Core
    private let initial: UnsafeMutablePointer<UInt64>
    let length: Int

    init(_ hash: TreeHash, core: SHA512Core = SHA512Core()) {
        self.core = core
        length = hash.length
        initial = .allocate(capacity: 8)
        initial.initialize(
            from: hash == .sha512_256 ? SHA512Core.initialSHA512_256 : SHA512Core.initialSHA512,
            count: 8
        )
    }

    deinit { initial.deallocate() }

    @inline(__always)
    func hash(
        prefix: UInt8?,
        _ first: UnsafeRawBufferPointer,
        _ second: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawPointer
    ) {
        core.hash(initial, prefix: prefix, first, second, into: output, length: length)
    }

    func digest(prefix: UInt8?, _ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: length) { output, count in
            first.withUnsafeBytes { first in
                second.withUnsafeBytes { second in
                    if let target = output.baseAddress {
                        hash(prefix: prefix, first, second, into: UnsafeMutableRawPointer(target))
                    }
                }
            }
            count = length
        }
    }

    func leaf(_ data: [UInt8]) -> [UInt8] { digest(prefix: Self.leafPrefix, data, []) }

    func node(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { digest(prefix: Self.nodePrefix, left, right) }
}
