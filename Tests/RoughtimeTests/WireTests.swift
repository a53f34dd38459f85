// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Testing

@testable import Roughtime

@Suite("Wire formats")
struct WireTests {
    @Test("messages and frames of the vectors are read or refused")
    func codec() throws {
        struct Named: Decodable {
            let name: String
            let hex: HexBytes
        }
        struct Vector: Decodable {
            let valid_messages: [Named]
            let invalid_messages: [Named]
            let valid_frame: HexBytes
            let invalid_frames: [Named]
        }
        let vector: Vector = try Vectors.load("codec")
        for item in vector.valid_messages {
            let message = try Message(item.hex.bytes)
            let rebuilt = Message(values: message.fields.map { ($0.tag, Array(message.bytes[$0.range])) })
            #expect(rebuilt.bytes == item.hex.bytes, "\(item.name)")
        }
        for item in vector.invalid_messages {
            #expect(throws: MessageError.self, "\(item.name)") { try Message(item.hex.bytes) }
        }
        #expect(try Frame.wrap(Frame.unwrap(vector.valid_frame.bytes)) == vector.valid_frame.bytes)
        for item in vector.invalid_frames {
            #expect(throws: MessageError.self, "\(item.name)") { try Frame.unwrap(item.hex.bytes) }
        }
    }

    @Test("points in time have the three wire forms of the vectors, and come back")
    func timestamps() throws {
        struct Vector: Decodable {
            struct Case: Decodable {
                let unix_us: Int64
                let google: HexBytes
                let mjd: HexBytes
                let seconds: HexBytes
            }
            struct Leap: Decodable {
                let wire: HexBytes
                let unix_us: Int64
            }
            struct Invalid: Decodable { let wire: HexBytes }
            let cases: [Case]
            let mjd_leap_second: Leap
            let mjd_invalid: [Invalid]
            let mjd_infinite: Invalid
        }
        let vector: Vector = try Vectors.load("timestamps")
        for item in vector.cases {
            for (format, wire) in [
                (TimeFormat.unixMicroseconds, item.google), (.modifiedJulianDay, item.mjd),
                (.unixSeconds, item.seconds),
            ] {
                let encoded = format.encode(unixMicroseconds: item.unix_us)
                #expect([UInt8](littleEndian: encoded) == wire.bytes)
                let unit: Int64 = format == .unixSeconds ? 1_000_000 : 1
                #expect(format.decode(encoded) == Int128(item.unix_us / unit * unit))
            }
        }
        let mjd = TimeFormat.modifiedJulianDay
        #expect(
            mjd.decode(vector.mjd_leap_second.wire.bytes.littleEndianValue) == Int128(vector.mjd_leap_second.unix_us)
        )
        for item in vector.mjd_invalid { #expect(mjd.decode(item.wire.bytes.littleEndianValue) == nil) }
        #expect(mjd.decode(vector.mjd_infinite.wire.bytes.littleEndianValue) == .max)
    }

    @Test("SHA-512/256 is a hash of its own, not a part of SHA-512")
    func hashes() throws {
        struct Vector: Decodable {
            struct Case: Decodable {
                let hex: HexBytes
                let sha512_256: HexBytes
                let sha512_first32: HexBytes
            }
            let iv: [String]
            let cases: [Case]
        }
        let vector: Vector = try Vectors.load("sha512_256")
        #expect(vector.iv == TreeHash.sha512_256.initialWords.map { Hex.encode([UInt8](littleEndian: $0.byteSwapped)) })
        for item in vector.cases {
            #expect(TreeHash.sha512_256.digest(item.hex.bytes) == item.sha512_256.bytes)
            #expect(TreeHash.sha512First32.digest(item.hex.bytes) == item.sha512_first32.bytes)
        }
    }

    @Test("our SHA-512 agrees with swift-crypto's for every length up to three blocks")
    func sha512() {
        var generator = SystemRandomNumberGenerator()
        for length in 0...400 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(TreeHash.sha512.digest(bytes) == Array(SHA512.hash(data: bytes)))
            let split = Int.random(in: 0...length)
            let pieces = Hasher512(.sha512).digest(prefix: 1, Array(bytes[..<split]), Array(bytes[split...]))
            #expect(pieces == Array(SHA512.hash(data: [1] + bytes)))
        }
    }

    @Test(
        "a digest is the same however many messages are hashed beside it",
        arguments: [0, 32, 111, 112, 127, 128, 1024, 1036]
    )
    func lanes(_ length: Int) {
        for count in [1, 2, 3, 4, 5, 7, 8, 9, 16, 23] {
            let leaves = (0..<count).map { index in (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) } }
            let scratch = TreeScratch(leaves: count)
            let hasher = Hasher512(.sha512First32)
            let flat: [UInt8] = leaves.reduce(into: []) { $0 += $1 } + [0]
            let root = flat.withUnsafeBytes { bytes -> [UInt8] in
                guard let base = bytes.baseAddress else { return [] }
                for index in 0..<count { scratch.setLeaf(index, base + index * length) }
                scratch.hashLeaves(0..<count, length: length, hasher)
                _ = scratch.build(count, hasher)
                return Array(UnsafeRawBufferPointer(start: scratch.root, count: 32))
            }
            #expect(root == MerkleTree(leaves: leaves, hash: .sha512First32).root)
        }
    }

    @Test("roots and paths are those of the vectors")
    func merkle() throws {
        struct Case: Decodable {
            let profile: VersionNumber
            let leaves: [HexBytes]
            let root: HexBytes
            let paths: [HexBytes]
        }
        let cases: [Case] = try Vectors.load("merkle")
        #expect(cases.count == 27)
        for item in cases {
            let hash = try #require(Profile.of(item.profile.version)).hash
            let tree = MerkleTree(leaves: item.leaves.map(\.bytes), hash: hash)
            #expect(tree.root == item.root.bytes)
            for (index, leaf) in item.leaves.enumerated() {
                let path = tree.path(of: index)
                #expect(path.flatMap { $0 } == item.paths[index].bytes)
                let root = MerkleTree.root(leaf: leaf.bytes, index: UInt32(index), path: path, hash: hash)
                #expect(root == item.root.bytes)
            }
        }
    }

    @Test("the table of versions is that of the vectors")
    func profiles() throws {
        struct Vector: Decodable {
            struct Row: Decodable {
                let version: VersionNumber
                let framed: Bool
                let nonce_bytes: Int
                let hash: String
                let node_bytes: Int
                let pad_tag_hex: HexBytes
                let leaf: String
                let time_unit: String
                let radi_unit: String
                let nonc_in_srep: Bool
                let top_level_nonc: Bool
                let top_level_ver: Bool
                let srep_ver_vers: Bool
                let type_tag: Bool
                let srv_tag: Bool
                let batchable: Bool
                let ctx_dele: String
                let ctx_srep: String
            }
            let tags: [String: String]
            let profiles: [Row]
        }
        let vector: Vector = try Vectors.load("profiles")
        #expect(vector.profiles.count == 14)
        for row in vector.profiles {
            let profile = try #require(Profile.of(row.version.version))
            #expect(profile.isFramed == row.framed)
            #expect(profile.nonceLength == row.nonce_bytes)
            #expect(profile.hash.length == row.node_bytes)
            #expect((profile.hash == .sha512_256) == (row.hash == "SHA-512/256"))
            #expect([UInt8](littleEndian: profile.paddingTag.rawValue) == row.pad_tag_hex.bytes)
            #expect((profile.leaf == .nonce) == (row.leaf == "nonce"))
            #expect((profile.timeFormat == .unixSeconds) == (row.time_unit == "s since 1970"))
            #expect((profile.timeFormat.radiusUnit == 1_000_000) == (row.radi_unit == "s"))
            #expect(profile.hasSignedNonce == row.nonc_in_srep)
            #expect(profile.hasNonce == row.top_level_nonc)
            #expect(profile.hasVersion == row.top_level_ver)
            #expect(profile.hasSignedVersions == row.srep_ver_vers)
            #expect((profile.responseType != .never) == row.type_tag)
            #expect(profile.knowsServerTag == row.srv_tag)
            #expect((profile.batching != .never) == row.batchable)
            #expect(profile.delegation.context.bytes == Array(row.ctx_dele.utf8))
            #expect(profile.responseContext.bytes == Array(row.ctx_srep.utf8))
        }
        for (name, value) in vector.tags where !name.hasPrefix("PAD") {
            let tag = Tag(rawValue: try #require(UInt32(value.dropFirst(2), radix: 16)))
            #expect(tag.description == name)
        }
    }
}
