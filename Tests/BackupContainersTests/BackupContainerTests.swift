// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import ShareEnvelopes
import Testing

@testable import BackupContainers

@Suite("Backup containers")
struct BackupContainerTests {
    struct HexText: Decodable {
        let bytes: [UInt8]

        init(from decoder: any Decoder) throws {
            bytes = try #require(Hex.decode(try decoder.singleValueContainer().decode(String.self)))
        }
    }

    struct File: Decodable {
        struct Container: Decodable {
            let plaintext, backupKey, salt, noncePrefix, file: HexText
            let metadata: String
            let chunkSize: Int
        }
        let vectors: [Container]
    }

    private static let file: File? = {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let data = try? Data(contentsOf: folder.appending(path: "backup_container.json"))
        else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(File.self, from: data)
    }()

    private let vectors: [File.Container]
    private let key = BackupKey(SymmetricKey(size: .bits256))
    private let metadata = BackupMetadata(
        node: "ks-test",
        dumpID: UUID(),
        createdAt: "2026-01-02T03:04:05.000Z",
        schemaVersion: 3,
        keyEpoch: 1,
        rows: ["2_users": 3, "2_key_shares": 5]
    )

    init() throws { vectors = try #require(Self.file).vectors }

    /// Reads a whole file in pieces of a size.
    private func read(_ file: [UInt8], key: BackupKey, pieces: Int = 1000) throws -> [UInt8] {
        guard let header = try BackupHeader.parse(file) else { throw BackupError.truncated }
        var reader = BackupReader(header, key: key)
        var (plain, rest): ([UInt8], ArraySlice<UInt8>) = ([], file[header.bytes.count...])
        while !rest.isEmpty {
            plain += try reader.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        return try plain + reader.finish()
    }

    private func write(_ plain: [UInt8], pieces: Int = 1000, _ writer: BackupWriter) throws -> [UInt8] {
        var (writer, file, rest) = (writer, writer.header.bytes, plain[...])
        while !rest.isEmpty {
            file += try writer.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        return try file + writer.finish()
    }

    private func small(_ count: Int, chunkSize: Int = 64) throws -> (plain: [UInt8], file: [UInt8]) {
        let plain = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let writer = try BackupWriter(
            metadata.json,
            key: key,
            salt: [UInt8](repeating: 1, count: 32),
            noncePrefix: [UInt8](repeating: 2, count: 7),
            chunkSize: chunkSize
        )
        return (plain, try write(plain, writer))
    }

    @Test("containers are written and read as published, whatever the pieces")
    func published() throws {
        #expect(vectors.count == 5)
        for vector in vectors {
            let key = BackupKey(SymmetricKey(data: vector.backupKey.bytes))
            for pieces in [1, 7, 64, 65, 1000] {
                let writer = try BackupWriter(
                    Array(vector.metadata.utf8),
                    key: key,
                    salt: vector.salt.bytes,
                    noncePrefix: vector.noncePrefix.bytes,
                    chunkSize: vector.chunkSize
                )
                #expect(try write(vector.plaintext.bytes, pieces: pieces, writer) == vector.file.bytes)
                #expect(try read(vector.file.bytes, key: key, pieces: pieces) == vector.plaintext.bytes)
            }
            // What we write of the same description is the same text.
            let header = try #require(try BackupHeader.parse(vector.file.bytes))
            #expect(try String(decoding: header.metadata.json, as: UTF8.self) == vector.metadata)
        }
    }

    @Test("every flipped bit of a container is found, in its header too")
    func flippedBits() throws {
        let (_, file) = try small(150)
        for bit in 0..<(file.count * 8) {
            var changed = file
            changed[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: (any Error).self, "bit \(bit)") { try read(changed, key: key) }
        }
    }

    @Test("every truncation and every addition is found")
    func truncations() throws {
        for size in [0, 64, 128, 150] {
            let (plain, file) = try small(size)
            #expect(try read(file, key: key) == plain)
            for count in file.indices {
                #expect(throws: (any Error).self, "\(count) bytes") { try read(Array(file.prefix(count)), key: key) }
            }
            for extra in [[0], [UInt8](repeating: 0, count: 16), [UInt8](repeating: 0, count: 200)] {
                #expect(throws: BackupError.forged) { try read(file + extra, key: key) }
            }
        }
    }

    @Test("chunks that are swapped, left out, repeated or taken from another container are refused")
    func reordering() throws {
        let (_, file) = try small(200)
        let (_, other) = try small(256)
        let start = try #require(try BackupHeader.parse(file)).bytes.count
        let head = Array(file[..<start])
        let chunk = { (index: Int) in Array(file[(start + index * 80)..<min(start + index * 80 + 80, file.count)]) }
        for order in [[1, 0, 2, 3], [0, 1, 3], [1, 2, 3], [0, 0, 1, 2, 3], [0, 1, 2], [0, 1, 2, 2, 3], [3]] {
            #expect(throws: (any Error).self) { try read(head + order.flatMap(chunk), key: key) }
        }
        let stranger = try write([UInt8](repeating: 0, count: 65_536 * 2), BackupWriter(metadata, key: key))
        #expect(throws: BackupError.forged) { try read(head + stranger.suffix(80), key: key) }
        #expect(throws: BackupError.forged) { try read(head + other[start...].suffix(80), key: key) }
    }

    @Test("another key does not open a container")
    func otherKey() throws {
        let (_, file) = try small(10)
        #expect(throws: BackupError.forged) { try read(file, key: BackupKey(root: .random())) }
        let root = RootSecret.random()
        let sealed = try write([1, 2, 3], BackupWriter(metadata, key: BackupKey(root: root)))
        #expect(try read(sealed, key: BackupKey(root: root)) == [1, 2, 3])
    }

    @Test("recipients open a backup with their own keys, the node's key does not")
    func recipients() throws {
        let keys = [Curve25519.KeyAgreement.PrivateKey(), Curve25519.KeyAgreement.PrivateKey()]
        let recipients = try keys.map { try BackupRecipient(BackupRecipient($0.publicKey).description) }
        let plain = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let file = try write(plain, pieces: 30_000, BackupWriter(metadata, recipients: recipients, node: key))
        let header = try #require(try BackupHeader.parse(file))
        #expect(header.metadata.rows == metadata.rows && header.metadata.dumpID == metadata.dumpID)
        for key in keys { #expect(try read(file, key: header.key(for: key), pieces: 70_000) == plain) }
        #expect(throws: BackupError.notARecipient) { try header.key(for: .init()) }
        let opened = try header.key(for: keys[0])
        try header.checkOrigin(of: opened, by: key)
        #expect(throws: BackupError.strange) { try header.checkOrigin(of: opened, by: BackupKey(root: .random())) }
        #expect(throws: BackupError.strange) { try header.checkOrigin(of: key, by: key) }
        #expect(throws: BackupError.forged) { try read(file, key: key, pieces: 70_000) }
        let own = try #require(try BackupHeader.parse(try small(1).file))
        #expect(throws: BackupError.notARecipient) { try own.key(for: keys[0]) }
        // A sealed key moved into another file's header does not open there.
        var moved = metadata
        moved.recipients = header.metadata.recipients
        let writer = try BackupWriter(moved, key: key)
        #expect(throws: BackupError.forged) { try writer.header.key(for: keys[0]) }
    }

    @Test("what is no public key is no recipient")
    func badRecipients() throws {
        let good = BackupRecipient(Curve25519.KeyAgreement.PrivateKey().publicKey).description
        for text in ["", "00", good + "00", "0x" + good, good.dropLast() + "g"] {
            #expect(throws: BackupError.badRecipient) { try BackupRecipient(text) }
        }
        // Points of small order: everybody knows what they share with anyone.
        for point in [0, 1] as [UInt8] {
            let text = Hex.encode([point] + [UInt8](repeating: 0, count: 31))
            #expect(throws: BackupError.badRecipient) { try BackupRecipient(text) }
        }
    }

    @Test("headers out of range and random bytes are refused without a crash")
    func hostileHeaders() throws {
        let (_, file) = try small(10)
        for size in [[0, 0, 0, 0], [0, 1, 0, 1], [255, 255, 255, 255]] as [[UInt8]] {
            var changed = file
            changed.replaceSubrange(6..<10, with: size)
            #expect(throws: BackupError.malformed) { try BackupHeader.parse(changed) }
        }
        #expect(throws: BackupError.malformed) { try BackupHeader.parse(Array("AKB2".utf8)) }
        #expect(try BackupHeader.parse(Array("AKB1".utf8)) == nil)
        #expect(try BackupHeader.parse([]) == nil)
        for _ in 0..<2_000 {
            let random =
                BackupHeader.mark.prefix(.random(in: 0...6)) + (0..<300).map { _ in .random(in: .min ... .max) }
            #expect((try? BackupHeader.parse(Array(random))) == nil)
        }
        var large = metadata
        large.node = String(repeating: "n", count: 70_000)
        #expect(throws: BackupError.metadataTooLarge) { try BackupWriter(large, key: key) }
    }

    @Test("a writer and a reader hold one chunk at most, however much goes through them")
    func boundedMemory() throws {
        var writer = try BackupWriter(metadata, key: key)
        var reader = BackupReader(writer.header, key: key)
        let piece = [UInt8](repeating: 9, count: 10_000)
        var (given, sealed, read) = (0, 0, 0)
        for _ in 0..<500 {
            given += piece.count
            let chunks = try writer.append(piece)
            sealed += chunks.count
            read += try reader.append(chunks).count
            #expect(given - sealed <= BackupHeader.chunkSize)
            #expect(sealed - read <= BackupHeader.chunkSize * 2)
        }
        read += try reader.append(writer.finish()).count
        read += try reader.finish().count
        #expect(read == given)
    }
}
