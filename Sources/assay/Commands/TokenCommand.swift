// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import L402
import LightningPrimitives

/// Works with L402 tokens.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Look into L402 tokens, narrow them, check them, mint them.",
        discussion: """
            A token is a macaroon: whoever holds it can restrict it further, offline, and hand the narrowed one on. With \
            the preimage of its payment it is worth money, so give it as '-' (standard input) or @FILE, never as text on \
            the command line: others can see that.

              assay token inspect @assay-token.txt
              assay token narrow @assay-token.txt --uses 3 --path-prefix /api/profile \\
                --valid-until 1d --with-preimage
              assay token verify - --method GET --path /api/profile/02ab < token.txt
            """,
        subcommands: [Inspect.self, Narrow.self, Verify.self, Mint.self]
    )

    /// The token to work on.
    struct Source: ParsableArguments {
        @Argument(
            help: """
                The token in base64 or base64url, 'TOKEN:PREIMAGE', an Authorization value or a challenge; '-' reads it \
                from standard input, '@FILE' from a file.
                """
        )
        var token: String

        func read() throws -> TokenText {
            let isArgument = token != "-" && !token.hasPrefix("@")
            let text = isArgument ? token : try contents()
            guard let token = TokenText(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw Failure(
                    Failure.unreadable,
                    "not a token: expected base64 of a macaroon, or TOKEN:PREIMAGE with a preimage of 64 hex digits"
                )
            }
            if isArgument, token.preimage != nil {
                Terminal.note("The command line shows the preimage to others here; give '-' or @FILE instead.")
            }
            return token
        }

        private func contents() throws -> String {
            let path = token == "-" ? "/dev/stdin" : String(token.dropFirst())
            // More than any token a gate accepts, so that a wrong file is noticed before it is read.
            guard let handle = token == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path),
                let data = try? handle.read(upToCount: 65_536)
            else { throw Failure(Failure.unreadable, "\(path) is empty, does not exist or cannot be read") }
            return String(decoding: data, as: UTF8.self)
        }
    }
}

extension TokenCommand {
    /// Shows what a token says about itself.
    struct Inspect: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a token is good for, caveat by caveat; needs no key.",
            discussion: """
                Caveats with the same condition form a chain: each may only narrow the one before, the last decides. The \
                preimage is never shown. Nothing is verified: 'assay token verify' does that.

                Exit codes: 0 shown; 64 usage; 65 not a token.
                """
        )

        @OptionGroup var source: Source

        @Flag(help: "Print the summary as JSON.")
        var json = false

        func run() throws {
            let summary = TokenSummary(try source.read())
            guard !json else { return try Terminal.say(json: Answer(summary)) }
            var rows = [
                ["version", "\(summary.version)"], ["location", summary.location.isEmpty ? "-" : summary.location],
            ]
            if let identifier = summary.identifier {
                rows.append(["payment hash", identifier.paymentHash.hex])
                rows.append(["token id", identifier.tokenID.hex])
                rows.append(["key epoch", "\(identifier.tokenID.epoch)"])
            } else {
                rows.append(["identifier", "not that of an L402 token"])
            }
            rows.append(["preimage", Self.preimage(summary)])
            Terminal.table(rows)
            Terminal.say("caveats")
            Terminal.table(
                summary.caveats.enumerated().map { index, line in
                    let refused = line.problem.map { "REFUSED (\($0.rawValue)): " } ?? ""
                    let superseded = line.supersededBy.map { " [narrowed by \($0)]" } ?? ""
                    return ["  \(index + 1)", line.caveat, refused + line.meaning + superseded]
                }
            )
        }

        private static func preimage(_ summary: TokenSummary) -> String {
            switch summary.isPreimageRight {
            case nil: "not in the text"
            case true?: "in the text; it is the payment's"
            case false?: "in the text, but NOT the payment's"
            }
        }

        private struct Answer: Encodable {
            struct Caveat: Encodable {
                let caveat: String
                let meaning: String
                let narrowedBy: Int?
                let problem: String?
            }
            let version: Int
            let location: String
            let paymentHash: String?
            let tokenId: String?
            let epoch: Int?
            let service: String
            let preimageMatches: Bool?
            let caveats: [Caveat]

            init(_ summary: TokenSummary) {
                version = summary.version
                location = summary.location
                paymentHash = summary.identifier?.paymentHash.hex
                tokenId = summary.identifier?.tokenID.hex
                epoch = (summary.identifier?.tokenID.epoch).map(Int.init)
                service = summary.service
                preimageMatches = summary.isPreimageRight
                caveats = summary.caveats.map {
                    Caveat(
                        caveat: $0.caveat,
                        meaning: $0.meaning,
                        narrowedBy: $0.supersededBy,
                        problem: $0.problem?.rawValue
                    )
                }
            }
        }
    }

    /// Adds caveats to a token.
    struct Narrow: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Restrict a token further, offline; needs no key.",
            discussion: """
                Prints a new token that allows what the old one does and no more; the old one stays as good as it was. \
                All tokens of one payment draw on its one balance, and what is narrowed from the new token shares its counts of \
                uses and satoshi. Caveats are added in the order of the options below.

                Exit codes: 0 narrowed; 1 a caveat would widen the token or would be refused; 64 usage; 65 not a token.
                """
        )

        @OptionGroup var source: Source

        @Option(help: "At most this many requests.")
        var uses: Int64?

        @Option(help: "At most this many satoshi.")
        var sats: Int64?

        @Option(help: "Only paths at or under this one.")
        var pathPrefix: String?

        @Option(help: "Only this method; may be repeated.")
        var method: [String] = []

        @Option(help: "The end: Unix seconds, RFC 3339 text, or from now such as 90m, 12h, 30d.")
        var validUntil: TimeOption?

        @Option(help: "Only from this address or network, such as 192.0.2.0/24.")
        var ip: String?

        @Option(help: "Any caveat 'condition=value'; may be repeated.")
        var caveat: [String] = []

        @Flag(help: "Print 'TOKEN:PREIMAGE', ready for use: a secret.")
        var withPreimage = false

        func run() throws {
            let token = try source.read()
            var caveats: [String] = []
            if let uses { caveats.append("n_uses=\(uses)") }
            if let sats { caveats.append("max_sats=\(sats)") }
            if let pathPrefix { caveats.append("path_prefix=\(pathPrefix)") }
            if !method.isEmpty { caveats.append("method=\(method.map { $0.uppercased() }.joined(separator: ","))") }
            if let validUntil {
                caveats.append("\(token.macaroon.expiryCondition)=\(validUntil.unixTime(now: Self.now))")
            }
            if let ip { caveats.append("ip=\(ip)") }
            caveats += caveat
            guard !caveats.isEmpty else { throw ValidationError("say what to narrow; see --help") }
            if withPreimage, token.preimage == nil {
                throw ValidationError("--with-preimage: the text holds no preimage")
            }
            do {
                let narrowed = try token.macaroon.narrowed(by: caveats).token
                Terminal.say(withPreimage ? token.preimage.map { "\(narrowed):\($0.hex)" } ?? narrowed : narrowed)
            } catch {
                throw Failure(1, "not narrowed: \(error)")
            }
        }

        private static var now: Int64 { Int64(Date().timeIntervalSince1970) }
    }
}
