// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Nostr
import Secp256k1
import Testing

@testable import SealedRecords

@Suite("Sealed records")
struct RecordTests {
    private struct Vectors: Decodable {
        struct Record: Decodable {
            let secret, table, natural, row, password, code, audit, plain, nonce, sealed: String
            let keyID: UInt8
        }
        let records: [Record]
    }

    private static let vectors: [Vectors.Record] = {
        guard let url = Bundle.module.url(forResource: "records", withExtension: "json", subdirectory: "Vectors"),
            let data = try? Data(contentsOf: url), let file = try? JSONDecoder().decode(Vectors.self, from: data)
        else { return [] }
        return file.records
    }()

    private static func secret(_ number: UInt8) -> String { Hex.encode([UInt8](repeating: number, count: 32)) }

    private let row = [UInt8](repeating: 9, count: 32)

    @Test("keys, names and records are those that other libraries make")
    func vectors() throws {
        #expect(Self.vectors.count == 4)
        for vector in Self.vectors {
            let keys = try RecordKeys(secret: vector.secret)
            let ring = try RecordKeyRing(current: keys)
            let row = keys.name(try #require(Hex.decode(vector.natural)), in: vector.table)
            #expect(Hex.encode(row) == vector.row)
            #expect(keys.id == vector.keyID)
            for (key, text) in [(keys.password, vector.password), (keys.code, vector.code), (keys.audit, vector.audit)]
            {
                #expect(key.withUnsafeBytes { Hex.encode(Array($0)) } == text)
            }
            let plain = try #require(Hex.decode(vector.plain))
            let sealed = try #require(Hex.decode(vector.sealed))
            #expect(ring.seal(plain, table: vector.table, row: row, nonce: Array(sealed[2..<26])) == sealed)
            #expect(try ring.open(sealed, table: vector.table, row: row) == plain)
        }
    }

    @Test("a record opens in its own row and table only")
    func swapped() throws {
        let ring = try RecordKeyRing(current: RecordKeys(secret: Self.secret(1)))
        let sealed = ring.seal([1, 2, 3], table: "sessions", row: row)
        #expect(try ring.open(sealed, table: "sessions", row: row) == [1, 2, 3])
        let other = [UInt8](repeating: 8, count: 32)
        #expect(throws: SealedRecordError(.forged, "")) { try ring.open(sealed, table: "sessions", row: other) }
        #expect(throws: SealedRecordError(.forged, "")) { try ring.open(sealed, table: "shares", row: row) }
    }

    @Test("every bit that is flipped and every byte that is missing closes a record")
    func damaged() throws {
        let ring = try RecordKeyRing(current: RecordKeys(secret: Self.secret(1)))
        let sealed = ring.seal(Array("a record".utf8), table: "t", row: row)
        for place in sealed.indices {
            for bit in 0..<8 {
                var changed = sealed
                changed[place] ^= 1 << bit
                #expect(throws: SealedRecordError.self) { try ring.open(changed, table: "t", row: row) }
            }
            #expect(throws: SealedRecordError.self) { try ring.open(Array(sealed[..<place]), table: "t", row: row) }
        }
    }

    @Test("a record of another secret is not opened, and says that its secret is missing")
    func otherSecret() throws {
        let (first, second) = (try RecordKeys(secret: Self.secret(1)), try RecordKeys(secret: Self.secret(2)))
        let sealed = try RecordKeyRing(current: first).seal([7], table: "t", row: row)
        #expect(throws: SealedRecordError(.unknownKey, "")) {
            try RecordKeyRing(current: second).open(sealed, table: "t", row: row)
        }
        // The right mark with the wrong key is forged.
        var marked = sealed
        marked[1] = second.id
        #expect(throws: SealedRecordError(.forged, "")) {
            try RecordKeyRing(current: second).open(marked, table: "t", row: row)
        }
    }

    @Test("after a change of secret both open, the new one seals and names first")
    func rotation() throws {
        let (old, new) = (try RecordKeys(secret: Self.secret(1)), try RecordKeys(secret: Self.secret(2)))
        let before = try RecordKeyRing(current: old)
        let after = try RecordKeyRing(current: new, earlier: [old])
        let sealed = before.seal([7], table: "t", row: row)
        #expect(try after.open(sealed, table: "t", row: row) == [7])
        #expect(!after.isCurrent(sealed) && after.isCurrent(after.seal([7], table: "t", row: row)))
        #expect(after.names([1], in: "t") == [new.name([1], in: "t"), old.name([1], in: "t")])
        #expect(throws: SealedRecordError(.ambiguousSecret, "")) { try RecordKeyRing(current: old, earlier: [old]) }
    }

    @Test("keys come back from what was kept of them")
    func exported() throws {
        let keys = try RecordKeys(secret: Self.secret(3))
        let kept = try #require(RecordKeys(id: keys.id, exported: keys.exported))
        let sealed = try RecordKeyRing(current: keys).seal([5], table: "t", row: row)
        #expect(try RecordKeyRing(current: kept).open(sealed, table: "t", row: row) == [5])
        #expect(kept.name([1], in: "t") == keys.name([1], in: "t"))
        #expect(RecordKeys(id: 1, exported: Array(keys.exported.dropLast())) == nil)
    }

    @Test("a secret of any other form is refused and not repeated")
    func badSecrets() {
        let good = Self.secret(1)
        for text in ["", "secret", String(good.dropLast()), good + "0", good.replacing("01", with: "zz"), "0x" + good] {
            do throws(SealedRecordError) {
                _ = try RecordKeys(secret: text)
                Issue.record("taken: \(text.count) characters")
            } catch {
                #expect(error.code == .badSecret)
                #expect(text.isEmpty || text == "secret" || !error.description.contains(text))
            }
        }
    }

    @Test("a secret in the form of NIP-19 is the same secret")
    func nsec() throws {
        let key = SecretKey.random()
        let keys = try RecordKeys(secret: key.nsec)
        #expect(keys.name([1], in: "t") == (try RecordKeys(secret: Hex.encode(key.rawBytes))).name([1], in: "t"))
        #expect(throws: SealedRecordError.self) { try RecordKeys(secret: NostrKey(key).npub) }
    }

    @Test("equal records never look alike")
    func nonces() throws {
        let ring = try RecordKeyRing(current: RecordKeys(secret: Self.secret(1)))
        let all = (0..<100).map { _ in ring.seal([1], table: "t", row: row) }
        #expect(Set(all).count == 100)
    }

    @Test("keys print no secret")
    func printing() throws {
        let keys = try RecordKeys(secret: Self.secret(1))
        var text = ""
        dump(keys, to: &text)
        for key in [keys.encryption, keys.row, keys.password] {
            let hex = key.withUnsafeBytes { Hex.encode(Array($0)) }
            #expect(!"\(keys)\(text)".contains(hex))
        }
    }
}
