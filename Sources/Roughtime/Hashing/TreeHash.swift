// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSHA512

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

    /// FIPS 180-4, sections 5.3.5 and 5.3.6.2.
    var initialWords: [UInt64] {
        self == .sha512_256
            ? [
                0x2231_2194_fc2b_f72c, 0x9f55_5fa3_c84c_64c2, 0x2393_b86b_6f53_b151, 0x9638_7719_5940_eabd,
                0x9628_3ee2_a88e_ffe3, 0xbe5e_1e25_5386_3992, 0x2b01_99fc_2c85_b8aa, 0x0eb7_2ddc_81c5_2ca2,
            ]
            : [
                0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
                0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
            ]
    }

    /// The hash of some bytes.
    public func digest(_ bytes: [UInt8]) -> [UInt8] {
        Hasher512(self).digest(prefix: nil, bytes, [])
    }
}

/// Hashes leaves and nodes of one kind of tree, many of one length at a time; belongs to one thread.
final class Hasher512 {
    /// What stands before the data of a leaf and before two children (section 5.3 of RFC 10049).
    static let leafPrefix: UInt8 = 0
    static let nodePrefix: UInt8 = 1

    typealias Parts = UnsafePointer<UnsafePointer<UInt8>?>

    private let initial: UnsafeMutablePointer<UInt64>
    let length: Int

    init(_ hash: TreeHash) {
        length = hash.length
        initial = .allocate(capacity: 8)
        initial.initialize(from: hash.initialWords, count: 8)
    }

    deinit { initial.deallocate() }

    /// Hashes messages that consist of a prefix, a first and a second part, and writes the digests one after another.
    ///
    /// - Parameters:
    ///   - first: where the first part of every message stands.
    ///   - second: the same for the second part; nil without one.
    @inline(__always)
    func hash(
        prefix: UInt8?,
        first: Parts,
        firstLength: Int,
        second: Parts?,
        secondLength: Int,
        count: Int,
        into output: UnsafeMutableRawPointer
    ) {
        var messages = sha512_messages(
            prefix: prefix.map { Int32($0) } ?? -1,
            first_length: firstLength,
            second_length: secondLength,
            first: first,
            second: second,
            count: UInt32(count)
        )
        sha512_hash(initial, &messages, output.assumingMemoryBound(to: UInt8.self), length, length)
    }

    func digest(prefix: UInt8?, _ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: length) { output, count in
            first.withUnsafeBufferPointer { first in
                second.withUnsafeBufferPointer { second in
                    guard let target = output.baseAddress else { return }
                    // A pointer to one value reaches no other, so each part has its own.
                    withUnsafePointer(to: first.baseAddress) { firstPart in
                        withUnsafePointer(to: second.baseAddress) { secondPart in
                            hash(
                                prefix: prefix,
                                first: firstPart,
                                firstLength: first.count,
                                second: secondPart,
                                secondLength: second.count,
                                count: 1,
                                into: UnsafeMutableRawPointer(target)
                            )
                        }
                    }
                }
            }
            count = length
        }
    }

    func leaf(_ data: [UInt8]) -> [UInt8] { digest(prefix: Self.leafPrefix, data, []) }

    func node(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { digest(prefix: Self.nodePrefix, left, right) }
}
