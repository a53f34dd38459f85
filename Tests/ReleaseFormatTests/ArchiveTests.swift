// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import ReleaseFormat
import Testing

@Suite("Archives of releases")
struct ArchiveTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test(
        "an archive that GNU tar made of a release is read, in pieces of any size",
        arguments: [1, 7, 511, 512, 513, 9999]
    )
    func reading(pieces: Int) throws {
        let (signed, files) = try Fixture.read(
            fixture.archive,
            .keys(fixture.trusting(0, 1, threshold: 2)),
            pieces: pieces
        )
        #expect(signed.manifest.bytes == fixture.manifest)
        #expect(files.keys.sorted() == ["LICENSE", "bin/assay", "infra/systemd/empty"])
        #expect(files["bin/assay"] == Array(String(repeating: "program\n", count: 100).utf8))
        #expect(files["infra/systemd/empty"] == [])
    }

    @Test("any release reads back as it was written")
    func roundTrip() throws {
        for _ in 0..<50 {
            var contents: [String: [UInt8]] = [:]
            for _ in 0...Int.random(in: 0..<6) {
                let path = (0...Int.random(in: 0..<3)).map { _ in Self.randomName() }.joined(separator: "/")
                contents[path] = (0..<Int.random(in: 0..<2000)).map { _ in .random(in: 0...255) }
            }
            // A random path may lead through a random file.
            guard let manifest = try? Self.manifest(contents) else { continue }
            var signatures = ReleaseSignatures()
            try signatures.add(try fixture.signingKey(0).sign(manifest))
            let signed = SignedManifest(manifest: manifest, signatures: signatures)
            let texts = [("MANIFEST.json", manifest.bytes), ("MANIFEST.sig", signatures.bytes)]
            let files = manifest.files.map { ($0.path, contents[$0.path] ?? []) }
            let archive = Fixture.archive(
                (texts + files).map { Self.entry($0.0, $0.1) }.map { (header: $0.0, content: $0.1) }
            )
            let (read, found) = try Fixture.read(archive, .keys(fixture.trusting(0)), pieces: .random(in: 1...3000))
            #expect(read == signed && found == contents)
            #expect(try ReleaseManifest(parsing: manifest.bytes) == manifest)
        }
    }

    private static func randomName() -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+@")
        return String((0...Int.random(in: 0..<8)).compactMap { _ in letters.randomElement() })
    }

    private static func manifest(_ contents: [String: [UInt8]]) throws -> ReleaseManifest {
        try ReleaseManifest(
            version: try #require(ReleaseVersion("1.0.\(UInt32.random(in: 0 ... .max))")),
            commit: randomName(),
            buildTime: .random(in: 0...99_999_999_999),
            architecture: "x86_64",
            files: contents.map {
                .init(
                    path: $0.key,
                    isExecutable: false,
                    size: Int64($0.value.count),
                    sha256: Array(SHA256.hash(data: $0.value))
                )
            }
        )
    }

    @Test("an archive with any one byte changed is refused")
    func changedBytes() throws {
        var reader = ArchiveReader(trust: .keys(try fixture.trusting(0, 1, threshold: 2)))
        for (index, byte) in fixture.archive.enumerated() {
            // What was read so far need not be read again for each change.
            var other = reader
            let changed = [byte ^ 1 << (index % 8)] + fixture.archive[(index + 1)...]
            #expect(throws: ReleaseError.self, "byte \(index)") {
                try other.read(changed[...]) { _ in }
                _ = try other.finish()
            }
            try reader.read([byte]) { _ in }
        }
        #expect(try reader.finish().manifest.bytes == fixture.manifest)
    }

    @Test("an archive that ends early or goes on is refused")
    func lengths() throws {
        var reader = ArchiveReader(trust: .keys(try fixture.trusting(0)))
        for (index, byte) in fixture.archive.enumerated() {
            #expect(throws: ReleaseError.self, "\(index) bytes") { try reader.finish() }
            try reader.read([byte]) { _ in }
        }
        #expect(throws: Never.self) { try reader.finish() }
        for tail in [[0], [1], [UInt8](repeating: 0, count: 512), fixture.archive] {
            var longer = reader
            #expect(throws: ReleaseError.self) { try longer.read(tail[...]) { _ in } }
        }
    }

    @Test("nothing of an archive is given before its signatures are found good")
    func order() throws {
        var reader = ArchiveReader(trust: .keys(try fixture.trusting(2)))
        var parts = 0
        #expect(throws: ReleaseError.self) { try reader.read(fixture.archive[...]) { _ in parts += 1 } }
        #expect(parts == 0)
    }

    @Test("an archive that nobody has signed is read for those who sign, manifest included, and by no host")
    func unsigned() throws {
        let manifest = try Self.manifest(["a": []])
        let entries = [
            Self.entry("MANIFEST.json", manifest.bytes), Self.entry("MANIFEST.sig", []), Self.entry("a", []),
        ]
        let archive = Fixture.archive(entries.map { (header: $0.0, content: $0.1) })
        var (reader, manifests): (ArchiveReader, [ReleaseManifest]) = (ArchiveReader(trust: .unchecked), [])
        try reader.read(archive[...]) { if case .manifest(let signed) = $0 { manifests.append(signed.manifest) } }
        #expect(try reader.finish().manifest == manifest && manifests == [manifest])
        #expect(code { _ = try Fixture.read(archive, .keys(fixture.trusting(0))) } == .untrusted)
    }

    @Test("only a release's own plain files are accepted, each once and in order")
    func entries() throws {
        let manifest = try ReleaseManifest(
            version: #require(ReleaseVersion("1.0.0")),
            commit: "c",
            buildTime: 0,
            architecture: "x86_64",
            files: ["a", "b"].map { .init(path: $0, isExecutable: false, size: 1, sha256: Self.hash($0)) }
        )
        var signatures = ReleaseSignatures()
        try signatures.add(try fixture.signingKey(0).sign(manifest))
        let trust = ArchiveReader.Trust.keys(try fixture.trusting(0))
        let head = [
            Self.entry("MANIFEST.json", manifest.bytes), Self.entry("MANIFEST.sig", signatures.bytes),
        ]
        let (a, b) = (Self.entry("a", Array("a".utf8)), Self.entry("b", Array("b".utf8)))
        func refusal(_ entries: [([UInt8], [UInt8])]) -> ReleaseError.Code? {
            code { _ = try Fixture.read(Fixture.archive(entries.map { (header: $0.0, content: $0.1) }), trust) }
        }
        #expect(refusal(head + [a, b]) == nil)
        #expect(refusal(head + [a]) == .altered)
        #expect(refusal(head + [b, a]) == .altered)
        #expect(refusal(head + [a, a, b]) == .altered)
        #expect(refusal(head + [a, b, b]) == .altered)
        #expect(refusal(head + [a, b, Self.entry("c", [])]) == .altered)
        #expect(refusal(head + [a, Self.entry("b", Array("x".utf8))]) == .altered)
        #expect(refusal(head + [a, Self.entry("b", Array("b".utf8), mode: 0o755)]) == .altered)
        #expect(refusal([head[1], head[0], a, b]) == .malformed)
        #expect(refusal([a, b]) == .malformed)
        #expect(refusal([]) == .malformed)
        // A hard link, a symbolic link, devices, a directory, a pipe, and extensions of tar.
        for kind in Array("1234567xgLK\0".utf8) {
            #expect(refusal(head + [a, Self.entry("b", Array("b".utf8), kind: kind)]) == .malformed)
        }
    }

    @Test(
        "a header with a path that leads elsewhere is refused",
        arguments: [
            "../a", "/etc/passwd", "a/../../b", "./a", "a//b", "a/", "", "a\nb", "a b", "-rf", "a/-x", "..", "\u{e9}",
            "a\\b",
        ]
    )
    func paths(path: String) throws {
        #expect(!ReleaseManifest.isAcceptable(path: path))
        #expect(code { _ = try ArchiveHeader.read(Self.entry(path, []).0) } == .malformed)
    }

    @Test("a header that is not written as ours is refused even with a right checksum")
    func headerForms() throws {
        let good = ArchiveHeader(path: "a", size: 5, mode: 0o644)
        #expect(try ArchiveHeader.read(good.bytes) == good)
        for index in good.bytes.indices where !(148..<156).contains(index) {
            var block = good.bytes
            block[index] = block[index] == UInt8(ascii: "7") ? UInt8(ascii: "6") : UInt8(ascii: "7")
            let other = try? ArchiveHeader.read(Self.summed(block))
            // A longer name or another size makes another header; everything else is refused.
            #expect(other == nil || other?.path != good.path || other?.size != good.size, "byte \(index)")
            if let other { #expect(other.bytes == Self.summed(block)) }
        }
    }

    private static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    private static func entry(
        _ path: String,
        _ content: [UInt8],
        mode: UInt32 = 0o644,
        kind: UInt8 = UInt8(ascii: "0")
    ) -> ([UInt8], [UInt8]) {
        var block = ArchiveHeader(path: path, size: Int64(content.count), mode: mode).bytes
        block[156] = kind
        return (summed(block), content)
    }

    /// The block with the checksum that belongs to it.
    private static func summed(_ block: [UInt8]) -> [UInt8] {
        var block = block
        for index in 148..<156 { block[index] = 32 }
        let digits = String(block.reduce(0) { $0 + Int($1) }, radix: 8)
        let text = String(repeating: "0", count: 6 - digits.utf8.count) + digits + "\0 "
        for (index, byte) in text.utf8.enumerated() { block[148 + index] = byte }
        return block
    }
}
