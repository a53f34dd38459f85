// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import FROST
import Foundation
import Pomade
import Secp256k1
import Testing

@Suite("Groups and shares as other programs write them")
struct SharePackageTests {
    struct Session: Decodable {
        struct Request: Decodable {
            let hashes: [[Hex32]]
            let members: [Int]
            let stamp: UInt32
            let type: String
            let gid, sid: Hex32
        }
        struct Commit: Decodable {
            let idx: Int
            let binder_pn, hidden_pn, pubkey: Hex33
            let bind_hash, sighash, sid: Hex32
        }
        struct Share: Decodable {
            let idx: Int
            let seckey, bind_hash, sighash: Hex32
        }
        let group: String
        let shares: [String]
        let session: Request
        let sig_commits: [Commit]
        let sig_shares: [Share]
    }

    struct Packages: Decodable {
        let group: String
        let shares: [String]
    }

    static func load<Content: Decodable>(_ name: String) throws -> Content {
        let directory = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        return try JSONDecoder().decode(
            Content.self,
            from: Data(contentsOf: directory.appending(path: name + ".json"))
        )
    }

    @Test("published packages hold a group that fits together, and its shares")
    func packages() throws {
        let file: Packages = try Self.load("bifrost-group")
        let group = try RegisteredGroup(try WireGroup(package: file.group))
        #expect(group.wire.threshold == 2 && group.wire.commits.map(\.idx) == [1, 2, 3])
        for text in file.shares { _ = try group.share(WireShare(package: text)) }
        #expect(try WireShare(package: file.shares[2].uppercased()).idx == 3)
    }

    @Test("ids, binding hashes and tweaked nonces of a published session")
    func session() throws {
        let file: Session = try Self.load("bifrost-session")
        let group = try RegisteredGroup(try WireGroup(package: file.group))
        #expect(group.id == file.session.gid.bytes)
        let sid = PomadeRequest.sessionID(
            groupID: group.id,
            members: file.session.members.compactMap { Identifier($0) },
            hashes: file.session.hashes.flatMap { $0 }.flatMap(\.bytes),
            content: nil,
            kind: file.session.type,
            stamp: file.session.stamp
        )
        #expect(sid == file.session.sid.bytes)
        #expect(file.sig_commits.count == 8 && file.sig_shares.count == 8)
        for commit in file.sig_commits {
            let vector = try #require(file.session.hashes.first { $0[0] == commit.sighash })
            let hash = SHA256.hash(data: sid + [0, 0, 0, UInt8(commit.idx)] + vector.flatMap(\.bytes))
            #expect(Array(hash) == commit.bind_hash.bytes)
            let tweak = try #require(Scalar(commit.bind_hash.bytes)).point
            let registered = try #require(group.wire.commits.first { $0.idx == commit.idx })
            let hidden = Point.sum([Point(registered.hiddenNonce.bytes), tweak])
            let binder = Point.sum([Point(registered.binderNonce.bytes), tweak])
            #expect(hidden?.compressed == commit.hidden_pn.bytes && binder?.compressed == commit.binder_pn.bytes)
            #expect(commit.pubkey == registered.pubkey)
        }
        for share in file.sig_shares {
            let package = try WireShare(package: file.shares[share.idx - 1])
            #expect(package.idx == share.idx && package.seckey == share.seckey)
        }
    }

    @Test("a tweak moves a nonce and its public point alike, as published")
    func tweaks() throws {
        struct File: Decodable {
            struct Case: Decodable {
                let internal_secnonce, internal_pubnonce, internal_tweak, target_secnonce, target_pubnonce: String
            }
            let pass, fail: [Case]
        }
        func moved(_ vector: File.Case) -> (secret: [UInt8], point: [UInt8]?)? {
            guard let secret = Hex32(hex: vector.internal_secnonce).flatMap({ Scalar($0.bytes) }),
                let tweak = Hex32(hex: vector.internal_tweak).flatMap({ Scalar($0.bytes) }),
                let point = Hex33(hex: vector.internal_pubnonce).flatMap({ Point($0.bytes) })
            else { return nil }
            return ((secret + tweak).rawBytes, Point.sum([point, tweak.point])?.compressed)
        }
        let file: File = try Self.load("bifrost-ecc")
        #expect(file.pass.count == 1 && file.fail.count == 4)
        for vector in file.pass {
            let moved = try #require(moved(vector))
            #expect(Hex32(moved.secret)?.description == vector.target_secnonce)
            #expect(moved.point.flatMap { Hex33($0) }?.description == vector.target_pubnonce)
        }
        for vector in file.fail { #expect(moved(vector) == nil) }
    }

    @Test("a package that was cut, changed or swapped for the other kind is refused")
    func damaged() throws {
        let file: Packages = try Self.load("bifrost-group")
        for count in 0..<file.group.utf8.count {
            #expect(throws: PackageError.self) { try WireGroup(package: String(file.group.prefix(count))) }
        }
        for text in [file.shares[0]] {
            var bytes = Array(text.utf8)
            for index in bytes.indices {
                let old = bytes[index]
                bytes[index] = old == UInt8(ascii: "q") ? UInt8(ascii: "p") : UInt8(ascii: "q")
                #expect(throws: PackageError.self) { try WireShare(package: String(decoding: bytes, as: UTF8.self)) }
                bytes[index] = old
            }
        }
        #expect(throws: PackageError.wrongPrefix(expected: "bfgroup")) { try WireGroup(package: file.shares[0]) }
        #expect(throws: PackageError.self) { try WireShare(package: file.group) }
        let short = Bech32.encode(hrp: Array("bfshare".utf8), groups: Bech32.groups([1, 2, 3]), form: .bech32m)
        #expect(throws: PackageError.wrongContents) { try WireShare(package: short) }
        let other = Bech32.encode(hrp: Array("bfshare".utf8), groups: Bech32.groups([UInt8](repeating: 1, count: 100)))
        #expect(throws: PackageError.malformed(.badChecksum)) { try WireShare(package: other) }
    }
}
