// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import LightningPrimitives
import Nostr
import Roughtime
import RoughtimeClient
import TimeArchive

extension TimeCommand {
    /// Verifies a time proof or a report of malfeasance.
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Verify a time proof, or a chain of answers such as a report of malfeasance; needs no network.",
            discussion: """
                What the file is, is told by its content. Without --key or --list the signatures only prove what the \
                holders of the keys in the file have signed, and a warning says whose keys they are: compare them with \
                those that the servers' operators published.

                  assay time verify proof.json --document score.json --list servers.json
                  assay time verify proof.json --document score.json \\
                    --after response.bin --key KEY
                  assay time verify malfeasance.json

                A stamped score also has the oracle's word (member "attestation"), a Nostr event about all scores of a stamp:

                  assay time verify proof.json --document score.json \
                    --attestation event.json --signer NPUB

                --after takes the response packet whose SHA-256 the JSON document has in its member "after", or a chain \
                with it: the document cannot be older than that response.

                Exit codes: 0 everything holds; 1 something does not; 64 usage; 65 a file cannot be read.
                """
        )

        @Argument(help: "The proof or report; '-' reads standard input.")
        var file: String

        @OptionGroup var trust: TrustOptions

        @Option(help: "The document that a time proof is about.")
        var document: String?

        @Option(help: "A response packet, or a chain with it, that the document names as older than itself.")
        var after: String?

        @Option(help: "The oracle's signed event about the stamp that a score is part of.")
        var attestation: String?

        @Option(help: "Whose attestation it must be: npub1… or 64 hex digits, as the oracle published it.")
        var signer: String?

        @Flag(help: "Also accept answers in version 1 that are signed in the words of the drafts.")
        var legacyContext = false

        @Flag(help: "Print JSON.")
        var json = false

        private static let longestDocument = 1 << 30

        private struct Answer: Encodable {
            struct Entry: Encodable {
                let check: String
                let outcome: String
                let detail: String
            }
            struct Link: Encodable {
                let publicKey: String
                let version: String
                let midpointMicroseconds: Int64
                let radiusMicroseconds: Int64
            }
            let holds: Bool
            let kind: String
            let checks: [Entry]
            let conclusions: [String]
            let warnings: [String]
            let existedBeforeMicroseconds: Int64?
            let notBeforeMicroseconds: Int64?
            let contradictions: [[Int]]?
            let suspect: String?
            let links: [Link]?
        }

        func run() throws {
            guard after == nil || document != nil else {
                throw ValidationError("--after needs --document: the document names the response")
            }
            guard signer == nil || attestation != nil else {
                throw ValidationError("--signer needs --attestation, the event that it has signed")
            }
            let trusted = try trust.trusted()
            let data = try TimeCommand.read(file, limit: MalfeasanceReport.maximumLength)
            let names = try trust.names()
            let evidence: TimeEvidence
            do {
                evidence = try TimeEvidence(json: data, keys: trusted.map(Array.init) ?? Array(names.keys))
            } catch {
                throw Failure(Failure.unreadable, "\(file): \(error)")
            }
            let examiner = EvidenceExaminer(
                trustedKeys: trusted,
                names: names,
                options: VerificationOptions(acceptsDraftContexts: legacyContext)
            )
            var report = examiner.examine(
                evidence,
                document: try document.map { Array(try TimeCommand.read($0, limit: Self.longestDocument)) },
                after: try after.map { Array(try TimeCommand.read($0, limit: MalfeasanceReport.maximumLength)) }
            )
            if let attestation { try examine(attestation, of: evidence, &report) }
            if json { try Terminal.say(json: answer(evidence, report)) } else { say(evidence, report) }
            if !report.holds { throw ExitCode(1) }
        }

        private func examine(_ path: String, of evidence: TimeEvidence, _ report: inout EvidenceReport) throws {
            guard case .proof(let proof) = evidence, let root = proof.root else {
                throw ValidationError("--attestation belongs to a time proof")
            }
            let expected = try signer.map { text in
                guard let key = NostrKey(lowercaseHex: text) ?? (try? NostrKey(npub: text)) else {
                    throw ValidationError("--signer is neither npub1… nor 64 hex digits")
                }
                return key
            }
            let json = Array(try TimeCommand.read(path, limit: EventLimits.relay.bytes))
            do throws(AttestationFailure) {
                let event = try ScoreAttestation.check(json, root: root, signer: expected)
                report.note(
                    .init(name: "attestation", outcome: .passed, detail: "signed by \(event.key.npub)"),
                    conclusion: "\(event.key.npub) vouches for the document.",
                    warning: expected == nil ? "anyone can sign: compare \(event.key.npub) with the oracle's key" : nil
                )
            } catch {
                report.note(.init(name: "attestation", outcome: .failed, detail: "\(error)"))
            }
        }

        private func say(_ evidence: TimeEvidence, _ report: EvidenceReport) {
            let words: [EvidenceReport.Outcome: String] = [.passed: "ok", .failed: "FAIL", .skipped: "skip"]
            Terminal.table(report.checks.map { [words[$0.outcome] ?? "", $0.name, $0.detail] })
            for warning in report.warnings { Terminal.note("WARNING: \(warning)") }
            for conclusion in report.conclusions { Terminal.say(conclusion) }
            if !report.holds {
                if case .proof = evidence {
                    Terminal.say("The proof does NOT hold.")
                } else {
                    Terminal.say("The chain does NOT hold: it proves nothing.")
                }
            }
        }

        private func answer(_ evidence: TimeEvidence, _ report: EvidenceReport) -> Answer {
            let isProof = if case .proof = evidence { true } else { false }
            return Answer(
                holds: report.holds,
                kind: isProof ? "time proof" : "chain",
                checks: report.checks.map { .init(check: $0.name, outcome: $0.outcome.rawValue, detail: $0.detail) },
                conclusions: report.conclusions,
                warnings: report.warnings,
                existedBeforeMicroseconds: report.existedBefore.map { Int64(clamping: $0) },
                notBeforeMicroseconds: report.notBefore.map { Int64(clamping: $0) },
                contradictions: report.chain?.inconsistencies.map { [$0.first, $0.second] },
                suspect: report.chain?.suspect.map { Base64.encode($0) },
                links: report.chain.map { chain in
                    zip(chain.links, chain.responses).map { link, response in
                        Answer.Link(
                            publicKey: Base64.encode(link.publicKey),
                            version: "\(response.version)",
                            midpointMicroseconds: Int64(clamping: response.midpoint),
                            radiusMicroseconds: response.radius
                        )
                    }
                }
            )
        }
    }
}
