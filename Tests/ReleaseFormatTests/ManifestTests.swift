// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import ReleaseFormat
import Testing

@Suite("Manifests and versions")
struct ManifestTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    @Test("a manifest that Python wrote is read, and written as the same bytes")
    func vector() throws {
        let manifest = try ReleaseManifest(parsing: fixture.manifest)
        #expect(manifest.bytes == fixture.manifest)
        #expect(manifest.version.description == "1.2.0-rc.1")
        #expect(manifest.minimumPredecessor?.description == "0.9.0")
        #expect(manifest.buildTime == 1_790_000_000)
        #expect(manifest.file("bin/assay")?.mode == 0o755)
        #expect(manifest.file("LICENSE")?.size == 512)
    }

    @Test("another text of the same manifest is refused")
    func canonical() throws {
        let text = String(decoding: fixture.manifest, as: UTF8.self)
        let others = [
            String(text.dropLast()), text + "\n", text.replacingOccurrences(of: ":", with: ": "),
            text.replacingOccurrences(of: "\"commit\"", with: "\"commit\":\"x\",\"commit\""),
            text.replacingOccurrences(of: "{\"arch\"", with: "{\"added\":1,\"arch\""),
            text.replacingOccurrences(of: "0755", with: "0777"), text.replacingOccurrences(of: "0755", with: "4755"),
            text.replacingOccurrences(of: "bin/assay", with: "bin\\/assay"),
            text.replacingOccurrences(of: "1790000000", with: "1790000000.0"),
            text.replacingOccurrences(of: "release/1", with: "release/2"),
        ]
        for other in others {
            #expect(other != text)
            #expect(code { _ = try ReleaseManifest(parsing: Array(other.utf8)) } == .malformed, "\(other)")
        }
    }

    @Test("any changed, missing or random byte is an error or another manifest, never a crash or the same")
    func robustness() throws {
        var generator = SystemRandomNumberGenerator()
        for index in fixture.manifest.indices {
            for bit in 0..<8 {
                var bytes = fixture.manifest
                bytes[index] ^= 1 << bit
                if let other = try? ReleaseManifest(parsing: bytes) { #expect(other.bytes == bytes) }
            }
            #expect(throws: ReleaseError.self) { try ReleaseManifest(parsing: Array(fixture.manifest.prefix(index))) }
        }
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...64)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(throws: ReleaseError.self) { try ReleaseManifest(parsing: bytes) }
        }
    }

    @Test("a release that no host could install is not described")
    func limits() throws {
        func refusal(
            _ files: [ReleaseManifest.File],
            commit: String = "c",
            time: Int64 = 0,
            machine: String = "x86_64",
            after: String? = nil
        ) -> ReleaseError.Code? {
            code {
                _ = try ReleaseManifest(
                    version: try #require(ReleaseVersion("1.0.0")),
                    commit: commit,
                    buildTime: time,
                    architecture: machine,
                    minimumPredecessor: after.flatMap(ReleaseVersion.init),
                    files: files
                )
            }
        }
        func file(_ path: String, size: Int64 = 1, hash: Int = 32) -> ReleaseManifest.File {
            .init(path: path, isExecutable: false, size: size, sha256: [UInt8](repeating: 1, count: hash))
        }
        #expect(refusal([file("a")]) == nil)
        #expect(refusal([file("a"), file("a.b/c")]) == nil)
        let wrong: [[ReleaseManifest.File]] = [
            [], [file("a"), file("a")], [file("a"), file("a/b")], [file("../a")], [file("MANIFEST.json")],
            [file("MANIFEST.sig")], [file(String(repeating: "a", count: 101))], [file("a", size: -1)],
            [file("a", size: ReleaseManifest.fileSizeLimit + 1)], [file("a", hash: 31)],
            (0..<5).map { file("\($0)", size: ReleaseManifest.fileSizeLimit) },
            (0...ReleaseManifest.fileCountLimit).map { file("\($0)") },
        ]
        for files in wrong { #expect(refusal(files) == .malformed) }
        #expect(refusal([file("a")], commit: "a b") == .malformed)
        #expect(refusal([file("a")], commit: "") == .malformed)
        #expect(refusal([file("a")], time: -1) == .malformed)
        #expect(refusal([file("a")], machine: "../x") == .malformed)
        #expect(refusal([file("a")], after: "1.0.1") == .malformed)
        #expect(refusal([file("a")], after: "1.0.0") == nil)
    }

    @Test("versions are ordered as Semantic Versioning says")
    func order() throws {
        // The example of section 11, and numbers that are not compared as text.
        let texts = [
            "0.9.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
            "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "2.0.0-0", "2.0.0--",
        ]
        let versions = try texts.map { try #require(ReleaseVersion($0)) }
        for (index, version) in versions.enumerated() {
            #expect(version.description == texts[index])
            for (other, otherVersion) in versions.enumerated() { #expect((version < otherVersion) == (index < other)) }
        }
    }

    @Test(
        "what is no version is refused",
        arguments: [
            "", "1", "1.0", "1.0.0.0", "01.0.0", "1.0.-1", "1.0.0-", "1.0.0-a..b", "1.0.0-01", "1.0.0+build", "v1.0.0",
            "1.0.0/..", "1.0.0-a/b", "..", "4294967296.0.0", "1.0.0-" + String(repeating: "a", count: 60), "１.0.0",
        ]
    )
    func notVersions(text: String) { #expect(ReleaseVersion(text) == nil) }
}
