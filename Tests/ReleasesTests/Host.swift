// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ReleaseFormat
import Releases
import Testing

/// A host in a directory of its own, and the place where its releases are made.
final class Host {
    let directory: String
    let key = ReleaseSigningKey()

    var root: String { directory + "/root" }
    var keysFile: String { directory + "/trusted/keys" }
    /// Each restart writes the active release into it.
    var log: String { directory + "/log" }

    init() throws {
        directory = NSTemporaryDirectory() + "/assay-releases-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory + "/trusted",
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755]
        )
        try write(keysFile, TrustedKeys.Entry(key: key.publicKey, name: "test").line + "\n")
        try write(log, "")
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func write(_ path: String, _ text: String, mode: Int = 0o644) throws {
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    func store() throws -> ReleaseStore { ReleaseStore(root: root, keys: try TrustedKeys(file: keysFile)) }

    /// A switcher whose restarts are logged, and that finds the release unwell that `sick` names.
    func switcher(sick: String = "none", keep: Int = 5) throws -> ReleaseSwitcher {
        let commands = ServiceCommands(
            restart: ["readlink \(root)/current >> \(log)"],
            health: ["[ \"$(readlink \(root)/current)\" != releases/\(sick) ]"],
            patience: sick == "none" ? .seconds(60) : .milliseconds(300)
        )
        return ReleaseSwitcher(try store(), commands: commands, architecture: "x86_64", keep: keep) { 1_790_000_000 }
    }

    /// Makes a signed archive of a release with a program that says its version.
    func pack(
        _ version: String,
        program: String? = nil,
        architecture: String = "x86_64",
        after: String? = nil,
        signers: [ReleaseSigningKey]? = nil
    ) throws -> String {
        let tree = "\(directory)/tree"
        try? FileManager.default.removeItem(atPath: tree)
        try write("\(tree)/bin/assay", program ?? "program \(version)\n", mode: 0o755)
        try write("\(tree)/infra/notes/a.txt", "notes\n")
        try write("\(tree)/empty", "")
        let sources = try ReleasePacker.sources(below: tree)
        let manifest = try ReleaseManifest(
            version: try #require(ReleaseVersion(version)),
            commit: "abc",
            buildTime: 1_790_000_000,
            architecture: architecture,
            minimumPredecessor: after.flatMap(ReleaseVersion.init),
            files: try ReleasePacker.entries(sources)
        )
        var signatures = ReleaseSignatures()
        for signer in signers ?? [key] { try signatures.add(try signer.sign(manifest)) }
        let archive = "\(directory)/assay-\(version).tar"
        try ReleasePacker.write(
            SignedManifest(manifest: manifest, signatures: signatures),
            sources: sources,
            to: archive
        )
        return archive
    }

    @discardableResult
    func install(_ version: String, sick: String = "none", keep: Int = 5) async throws -> ReleaseSwitcher.Outcome {
        try await switcher(sick: sick, keep: keep).install(try pack(version))
    }

    var restarts: [String] {
        get throws {
            try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
                .map { String($0.dropFirst("releases/".count)) }
        }
    }

    var current: String? { get throws { try store().current()?.description } }

    var installed: [String] { get throws { try store().installed().map(\.description) } }
}

/// The code of the error that a body throws, or `nil`.
func code(_ body: () async throws -> Void) async -> ReleaseError.Code? {
    do {
        try await body()
        return nil
    } catch {
        return (error as? ReleaseError)?.code
    }
}
