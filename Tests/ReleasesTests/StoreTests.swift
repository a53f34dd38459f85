// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ReleaseFormat
import Releases
import Testing

@Suite("Installed releases and trusted keys")
struct StoreTests {
    let host: Host
    let version: ReleaseVersion

    init() throws {
        host = try Host()
        version = try #require(ReleaseVersion("1.0.0"))
    }

    /// Installs a release, changes something, and says why it is refused then.
    func refusal(_ change: (String) throws -> Void) async throws -> ReleaseError.Code? {
        try? FileManager.default.removeItem(atPath: host.root)
        try await host.install("1.0.0")
        try host.store().verify(version)
        try change(host.root + "/releases/1.0.0")
        return await code { try host.store().verify(version) }
    }

    @Test("a release is unpacked with the modes of its manifest, whatever the umask")
    func modes() async throws {
        let before = umask(0o077)
        defer { umask(before) }
        try await host.install("1.0.0")
        func mode(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: host.root + "/" + path)[.posixPermissions] as? Int
        }
        for path in ["releases", "releases/1.0.0", "releases/1.0.0/infra/notes", "releases/1.0.0/bin/assay"] {
            #expect(try mode(path) == 0o755)
        }
        for path in ["releases/1.0.0/MANIFEST.json", "releases/1.0.0/empty", "history.json"] {
            #expect(try mode(path) == 0o644)
        }
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: host.root + "/current") == "releases/1.0.0")
    }

    @Test("any change to an installed release is found")
    func changes() async throws {
        let manager = FileManager.default
        func set(_ mode: Int, _ path: String) throws {
            try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        }
        #expect(try await refusal { _ in } == nil)
        #expect(try await refusal { try host.write($0 + "/empty", "x") } == .altered)
        #expect(try await refusal { try host.write($0 + "/bin/assay", "program 1.0.1\n", mode: 0o755) } == .altered)
        #expect(try await refusal { try host.write($0 + "/bin/other", "x") } == .altered)
        #expect(try await refusal { try manager.removeItem(atPath: $0 + "/infra/notes/a.txt") } == .altered)
        #expect(try await refusal { try set(0o755, $0 + "/empty") } == .altered)
        #expect(try await refusal { try set(0o664, $0 + "/empty") } == .unsafePermissions)
        #expect(try await refusal { try set(0o777, $0 + "/bin") } == .unsafePermissions)
        #expect(try await refusal { try set(0o777, $0) } == .unsafePermissions)
        #expect(try await refusal { try set(0o775, $0 + "/../../releases") } == .unsafePermissions)
        #expect(try await refusal { try manager.removeItem(atPath: $0 + "/MANIFEST.sig") } == .missing)
        #expect(try await refusal { try host.write($0 + "/MANIFEST.sig", "") } == .untrusted)
        #expect(try await refusal { try host.write($0 + "/MANIFEST.json", "{}") } == .malformed)
        #expect(try await refusal { try manager.removeItem(atPath: $0) } == .missing)
        // The same bytes by a link are not the file.
        let link: (String) throws -> Void = { place in
            try manager.moveItem(atPath: place + "/bin/assay", toPath: host.directory + "/moved-\(UUID())")
            try manager.createSymbolicLink(atPath: place + "/bin/assay", withDestinationPath: "/bin/true")
        }
        #expect(try await refusal(link) == .altered)
    }

    @Test("a release under another release's name is refused")
    func renamed() async throws {
        try await host.install("1.0.0")
        let releases = host.root + "/releases/"
        try FileManager.default.moveItem(atPath: releases + "1.0.0", toPath: releases + "2.0.0")
        let store = try host.store()
        let other = try #require(ReleaseVersion("2.0.0"))
        #expect(await code { try store.verify(other) } == .altered)
    }

    @Test("a release whose key is no longer trusted is refused, and one of two keys suffices while they change")
    func keyChange() async throws {
        let next = ReleaseSigningKey()
        try await host.install("1.0.0")
        let old = TrustedKeys.Entry(key: host.key.publicKey, name: "old").line
        let new = TrustedKeys.Entry(key: next.publicKey, name: "new").line
        try host.write(host.keysFile, "\(old)\n\(new)\n")
        _ = try await host.switcher().install(try host.pack("2.0.0", signers: [next]))
        try host.write(host.keysFile, new + "\n")
        #expect(await code { try host.store().verify(version) } == .untrusted)
        #expect(await code { _ = try await host.switcher().rollBack() } == .untrusted)
        try host.write(host.keysFile, "threshold 2\n\(old)\n\(new)\n")
        #expect(await code { _ = try await host.switcher().install(try host.pack("3.0.0")) } == .untrusted)
        _ = try await host.switcher().install(try host.pack("3.0.0", signers: [host.key, next]))
        #expect(try host.current == "3.0.0")
    }

    @Test("trusted keys that others can change are not believed")
    func keysFile() async throws {
        let manager = FileManager.default
        func refusal(_ path: String? = nil) async -> ReleaseError.Code? {
            await code { _ = try TrustedKeys(file: path ?? host.keysFile) }
        }
        #expect(await refusal() == nil)
        for mode in [0o664, 0o646, 0o666] {
            try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: host.keysFile)
            #expect(await refusal() == .unsafePermissions)
        }
        try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: host.keysFile)
        try manager.setAttributes([.posixPermissions: 0o775], ofItemAtPath: host.directory + "/trusted")
        #expect(await refusal() == .unsafePermissions)
        try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: host.directory + "/trusted")
        let link = host.directory + "/trusted/link"
        try manager.createSymbolicLink(atPath: link, withDestinationPath: host.keysFile)
        #expect(await refusal(link) == .unsafePermissions)
        #expect(await refusal(host.directory + "/trusted") == .unsafePermissions)
        #expect(await refusal(host.directory + "/trusted/none") == .missing)
    }

    @Test("an archive that was altered on its way leaves nothing behind")
    func alteredArchive() async throws {
        let archive = try host.pack("1.0.0")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
        bytes[bytes.count - 2000] ^= 1
        try bytes.write(to: URL(fileURLWithPath: archive))
        #expect(await code { _ = try await host.switcher().install(archive) } != nil)
        #expect(try host.installed == [] && host.current == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: host.root + "/releases") == [])
        #expect(await code { _ = try await host.switcher().install(host.directory + "/none.tar") } == .missing)
    }

    @Test("the same release packs to the same bytes, and signatures are added without touching it")
    func determinism() async throws {
        let first = try Data(contentsOf: URL(fileURLWithPath: try host.pack("1.0.0")))
        let archive = try host.pack("1.0.0")
        #expect(try Data(contentsOf: URL(fileURLWithPath: archive)) == first)
        var signed = try ReleaseArchive(archive).check(.unchecked)
        try signed.signatures.add(try ReleaseSigningKey().sign(signed.manifest))
        try ReleasePacker.replaceSignatures(signed.signatures, in: archive)
        #expect(try ReleaseArchive(archive).check(.keys(host.store().keys)) == signed)
        #expect(try Data(contentsOf: URL(fileURLWithPath: archive)).suffix(2048) == first.suffix(2048))
    }

    @Test("what is neither a file nor a directory is not packed")
    func unusualSources() async throws {
        try host.write(host.directory + "/odd/a", "a")
        try FileManager.default.createSymbolicLink(atPath: host.directory + "/odd/b", withDestinationPath: "a")
        #expect(await code { _ = try ReleasePacker.sources(below: host.directory + "/odd") } == .unsuitable)
    }

    @Test("a secret key that others can read is refused, and one is never overwritten")
    func signingKey() async throws {
        let path = host.directory + "/key"
        try host.key.save(path)
        #expect(try ReleaseSigningKey(file: path).publicKey == host.key.publicKey)
        #expect(await code { try host.key.save(path) } == .storage)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(await code { _ = try ReleaseSigningKey(file: path) } == .unsafePermissions)
    }

    @Test("something else than a link named current is left alone")
    func foreignCurrent() async throws {
        try host.write(host.root + "/current/bin/assay", "by hand", mode: 0o755)
        #expect(await code { try await host.install("1.0.0") } == .malformed)
        #expect(FileManager.default.fileExists(atPath: host.root + "/current/bin/assay"))
    }
}
