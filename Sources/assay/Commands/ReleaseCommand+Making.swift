// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import ReleaseFormat
import Releases

extension ReleaseCommand {
    /// Where the secret key comes from; never an argument, which every user of the machine could read.
    struct Signer: ParsableArguments {
        @Option(help: "The secret key's file; '-' reads it from standard input. Otherwise ASSAY_RELEASE_KEY is used.")
        var keyFile: String?

        /// The key, or `nil` when none was given.
        func key() throws -> ReleaseSigningKey? {
            try failing {
                if keyFile == "-" { return try ReleaseSigningKey(text: readLine() ?? "") }
                if let keyFile { return try ReleaseSigningKey(file: keyFile) }
                guard let text = ProcessInfo.processInfo.environment["ASSAY_RELEASE_KEY"] else { return nil }
                return try ReleaseSigningKey(text: text)
            }
        }
    }

    /// Makes a key.
    struct GenerateKey: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "keygen",
            abstract: "Make a key that signs releases; prints the line for the hosts' trusted keys."
        )

        @Option(help: "The file for the secret key; it must not be there yet.")
        var out: String

        @Option(help: "A name for people, of letters, digits and '.-_@'.")
        var name = "release"

        func validate() throws {
            guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }), !name.isEmpty else {
                throw ValidationError("--name must be one word of plain letters")
            }
        }

        func run() throws {
            let key = ReleaseSigningKey()
            try failing { try key.save(out) }
            Terminal.say(TrustedKeys.Entry(key: key.publicKey, name: name).line)
            Terminal.note("\(out) is secret; the line above belongs into \(TrustedKeys.defaultPath) of every host.")
        }
    }

    /// Makes an archive.
    struct Pack: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make assay-VERSION-ARCH.tar, with its manifest and signatures.",
            discussion: """
                Packs a directory as it is, or without one: this program, with infra, migrations, the health \
                check, DEPLOY.md, LICENSE and the documents on time of the source tree. The same files, version, commit and time always make the same bytes.

                Beside the archive lie its MANIFEST.json and MANIFEST.sig, to be signed elsewhere; see 'release sign'.
                """
        )

        @Argument(help: "A directory to pack as it is.")
        var directory: String?

        @Option(help: "The release's version, such as 1.2.0 or 1.2.0-rc.1; this program's unless given.")
        var release: VersionOption?

        @Option(help: "The commit it was built from; this program's unless given.")
        var commit: String?

        @Option(help: "When it was built, in Unix seconds; SOURCE_DATE_EPOCH or now unless given.")
        var buildTime: Int64?

        @Option(help: "The oldest release that it may be installed over.")
        var minimumPredecessor: VersionOption?

        @Option(help: "The machine it is for, as 'uname -m' says it; this one unless given.")
        var arch: String?

        @Option(help: "The program to pack; this one unless given.")
        var program: String?

        @Option(help: "The source tree.")
        var source = "."

        @Option(help: "The directory for what is made.")
        var out = "."

        @OptionGroup var signer: Signer

        func run() throws {
            let key = try signer.key()
            guard let version = release?.version ?? ReleaseVersion(BuildInfo.current.version) else {
                throw ValidationError("give --release VERSION")
            }
            let time = buildTime ?? Self.sourceDate ?? Int64(Date().timeIntervalSince1970)
            let commit = commit ?? BuildInfo.current.commit
            let sources = try failing {
                if let directory { return try ReleasePacker.sources(below: directory) }
                return try Self.sources(tree: source, program: program ?? ProgramFiles.executable.path)
                    + [Self.buildInfo(version, commit, time)]
            }
            let archive: String = try failing {
                let manifest = try ReleaseManifest(
                    version: version,
                    commit: commit,
                    buildTime: time,
                    architecture: arch ?? architecture,
                    minimumPredecessor: minimumPredecessor?.version,
                    files: try ReleasePacker.entries(sources)
                )
                var signed = SignedManifest(manifest: manifest, signatures: ReleaseSignatures())
                if let key { try signed.signatures.add(try key.sign(manifest)) }
                let name = "\(out)/assay-\(version)-\(manifest.architecture)"
                try ReleasePacker.write(signed, sources: sources, to: name + ".tar")
                try DetachedManifest(name + ".MANIFEST.json")?.write(signed)
                return name + ".tar"
            }
            Terminal.say(archive)
            if key == nil { Terminal.note("It is not signed yet: see 'assay release sign --help'.") }
        }

        private static var sourceDate: Int64? {
            ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) }
        }

        /// What a host needs of the source tree.
        private static func sources(tree: String, program: String) throws(ReleaseError) -> [ReleasePacker.Source] {
            var sources = [ReleasePacker.Source(path: "bin/assay", file: program)]
            for name in ["infra", "migrations"] {
                sources += try ReleasePacker.sources(below: "\(tree)/\(name)", prefix: "\(name)/")
            }
            for name in [
                "DEPLOY.md", "LICENSE", "docs/roughtime.md", "docs/time-stamps.md", "Examples/roughtime/servers.json",
                "scripts/health-check.sh",
            ] {
                sources.append(ReleasePacker.Source(path: name, file: "\(tree)/\(name)"))
            }
            return sources
        }

        /// What `assay --version` reads.
        private static func buildInfo(_ version: ReleaseVersion, _ commit: String, _ time: Int64)
            -> ReleasePacker.Source
        {
            let date = ReleaseCommand.text(time)
            let text = "{\"version\":\"\(version)\",\"commit\":\"\(commit)\",\"buildDate\":\"\(date)\"}\n"
            return ReleasePacker.Source(path: "bin/build-info.json", contents: Array(text.utf8))
        }
    }

    /// Adds a signature.
    struct Sign: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a signature to a manifest or an archive.",
            discussion: """
                On a machine without a network, with nothing but the manifest; the signature goes to the .sig beside it:
                  assay release sign assay-1.2.0-x86_64.MANIFEST.json --key-file release.key
                Where the archive is, with what came back:
                  assay release sign assay-1.2.0-x86_64.tar \\
                    --add assay-1.2.0-x86_64.MANIFEST.sig

                Read the manifest before you sign it: you vouch for every hash in it.
                """
        )

        @Argument(help: "The manifest (.json) or the archive (.tar).")
        var file: String

        @Option(help: "A file of signatures to add; it may be given several times.")
        var add: [String] = []

        @OptionGroup var signer: Signer

        func run() throws {
            let key = try signer.key()
            guard key != nil || !add.isEmpty else {
                throw ValidationError("give --key-file FILE, ASSAY_RELEASE_KEY or --add FILE")
            }
            try failing {
                let detached = DetachedManifest(file)
                var signed = try detached?.read() ?? ReleaseArchive(file).check(.unchecked)
                for path in add {
                    for signature in try DetachedManifest.signatures(path).all { try signed.signatures.add(signature) }
                }
                if let key { try signed.signatures.add(try key.sign(signed.manifest)) }
                if let detached {
                    try detached.write(signed.signatures)
                    Terminal.say(detached.signatureFile)
                } else {
                    try ReleasePacker.replaceSignatures(signed.signatures, in: file)
                    Terminal.say(file)
                }
            }
        }
    }
}

/// A version on the command line.
struct VersionOption: ExpressibleByArgument {
    let version: ReleaseVersion

    init?(argument: String) {
        guard let version = ReleaseVersion(argument) else { return nil }
        self.version = version
    }
}
