// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import Roughtime
import RoughtimeClient

/// Asks Roughtime servers, checks this machine's clock, and verifies what they signed.
struct TimeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "time",
        abstract: "Ask Roughtime servers, check the clock against a quorum of them, verify time proofs.",
        discussion: """
            Roughtime servers sign the time, so what they say is evidence: who states a wrong time can be convicted by \
            anybody, and a document can be proved to have existed by a point in time.

              assay time query        every server of the list
              assay time query time.example.com:5319 --key KEY
              assay time check        is this clock right? exit code 0 if so
              assay time stamp report.pdf > report.proof.json
              assay time verify report.proof.json --document report.pdf --list servers.json
              assay time report malfeasance.json --to https://example.com/reports

            Without --list the public servers that this program knows are used. A key is base64 or 64 hex digits.
            """,
        subcommands: [Query.self, Check.self, Stamp.self, Verify.self, Report.self]
    )

    /// Which servers there are, and how strictly their answers are read.
    struct ServerOptions: ParsableArguments {
        @Option(help: "A server list (RFC 10049, JSON) instead of the built-in public servers.")
        var list: String?

        @Flag(
            help: """
                Also accept answers in version 1 that are signed in the words of the drafts; some servers sign so.
                """
        )
        var legacyContext = false

        var verification: VerificationOptions { VerificationOptions(acceptsDraftContexts: legacyContext) }

        func servers() throws -> ServerList {
            guard let list else { return .publicServers }
            return try TimeCommand.readList(list)
        }

        var client: TimeClient { TimeClient(verification: verification) }
    }

    /// Keys and lists to compare signers with.
    struct TrustOptions: ParsableArguments {
        @Option(help: "A long-term key to trust, or a file with it; may be given several times.")
        var key: [String] = []

        @Option(help: "A server list whose keys are trusted.")
        var list: String?

        /// The keys to trust; nil when none were asked for.
        func trusted() throws -> Set<[UInt8]>? {
            guard !key.isEmpty || list != nil else { return nil }
            var keys = Set(try key.map(RoughtimeCommand.publicKey))
            if let list { keys.formUnion(try TimeCommand.readList(list).servers.map(\.publicKey)) }
            return keys
        }

        /// Names of keys, by the list and the public servers.
        func names() throws -> [[UInt8]: String] {
            let known = ServerList.publicServers.servers + (try list.map { try TimeCommand.readList($0).servers } ?? [])
            return known.reduce(into: [:]) { $0[$1.publicKey] = $1.name }
        }
    }

    static func readList(_ path: String) throws -> ServerList {
        let data = try read(path, limit: ServerList.maximumLength)
        do {
            return try ServerList(json: data)
        } catch {
            throw Failure(Failure.unreadable, "\(path): \(error)")
        }
    }

    /// Reads a file that is not longer than its kind can be; `-` is standard input.
    static func read(_ path: String, limit: Int) throws -> Data {
        guard let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: limit + 1)
        else { throw Failure(Failure.unreadable, "\(path) is empty, does not exist or cannot be read") }
        guard data.count <= limit else { throw Failure(Failure.unreadable, "\(path) is longer than \(limit) bytes") }
        return data
    }

    /// Where chains are kept unless an option says otherwise.
    static var standardState: String {
        let environment = ProcessInfo.processInfo.environment
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/assay/time" }
        return (environment["HOME"] ?? NSHomeDirectory()) + "/.local/state/assay/time"
    }

    /// Reads a number of seconds.
    static func seconds(_ value: Double, _ option: String, in range: ClosedRange<Double>) throws -> Duration {
        guard range.contains(value) else {
            throw ValidationError("\(option) is a number of seconds from \(range.lowerBound) to \(range.upperBound)")
        }
        return .milliseconds(Int64(value * 1000))
    }

    /// Reads names of versions.
    static func versions(_ text: String) throws -> [Version] {
        if text == "all" { return Version.all }
        return try text.split(separator: ",").map { name in
            guard let version = Version(name: name.trimmingCharacters(in: .whitespaces)) else {
                throw ValidationError("'\(name)' is no version: google, draft-01 to draft-12, and 1 for RFC 10049 are")
            }
            return version
        }
    }
}
