// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Foundation
public import Roughtime

/// A file that claims to prove something about time: a time proof, or a chain of answers.
public enum TimeEvidence: Sendable {
    case proof(TimeProof)
    case chain(MalfeasanceReport)

    /// Reads a file and tells by its content what it is.
    ///
    /// - Parameter keys: needed for reports of drafts 08 to 11, which do not name the servers.
    /// - Throws: ``ReportFormatError`` or ``TimeProofFailure``.
    public init(json: Data, keys: [[UInt8]] = []) throws {
        struct Kind: Decodable { let type: String? }
        if JSONNesting.isShallow(Array(json), limit: 8),
            let kind = try? JSONDecoder().decode(Kind.self, from: json), kind.type != nil
        {
            self = .proof(try TimeProof(json: json))
        } else {
            self = .chain(try MalfeasanceReport(json: json, keys: keys))
        }
    }

    public var links: [ChainLink] {
        switch self {
        case .proof(let proof): proof.chain.links
        case .chain(let report): report.links
        }
    }
}

/// What was looked at in a piece of evidence, and what it proves.
public struct EvidenceReport: Sendable {
    public enum Outcome: String, Sendable {
        case passed, failed
        /// There was nothing to check against.
        case skipped
    }

    public struct Check: Sendable {
        public let name: String
        public let outcome: Outcome
        public let detail: String

        public init(name: String, outcome: Outcome, detail: String) {
            self.name = name
            self.outcome = outcome
            self.detail = detail
        }
    }

    public internal(set) var checks: [Check] = []
    /// What is proved, as sentences; empty unless everything holds.
    public internal(set) var conclusions: [String] = []
    /// What a reader should know before believing it.
    public internal(set) var warnings: [String] = []
    /// The document existed before this, and not before that, in microseconds since 1970.
    public internal(set) var existedBefore: Int128?
    public internal(set) var notBefore: Int128?
    /// The chain; nil when it does not verify.
    public internal(set) var chain: VerifiedChain?

    public var holds: Bool { !checks.contains { $0.outcome == .failed } }

    mutating func note(_ name: String, _ outcome: Outcome, _ detail: String) {
        checks.append(Check(name: name, outcome: outcome, detail: detail))
    }

    /// Adds a check of what this module knows nothing about.
    ///
    /// - Parameters:
    ///   - conclusion: said if everything holds.
    ///   - warning: said in any case.
    public mutating func note(_ check: Check, conclusion: String? = nil, warning: String? = nil) {
        checks.append(check)
        if let warning { warnings.append(warning) }
        if !holds { conclusions = [] } else if let conclusion { conclusions.append(conclusion) }
    }
}

/// Examines evidence without a network.
public struct EvidenceExaminer: Sendable {
    /// The long-term keys to believe; nil to believe whoever signed, with a warning.
    public var trustedKeys: Set<[UInt8]>?
    /// Names of keys, for people; a name is no reason to believe.
    public var names: [[UInt8]: String]
    public var options: VerificationOptions

    public init(
        trustedKeys: Set<[UInt8]>? = nil,
        names: [[UInt8]: String] = [:],
        options: VerificationOptions = VerificationOptions()
    ) {
        self.trustedKeys = trustedKeys
        self.names = names
        self.options = options
    }

    /// Looks at everything there is.
    ///
    /// - Parameters:
    ///   - document: the document that a proof is said to be about.
    ///   - after: a response, or a chain with it, that the document names as older than itself.
    public func examine(_ evidence: TimeEvidence, document: [UInt8]? = nil, after: [UInt8]? = nil) -> EvidenceReport {
        var report = EvidenceReport()
        checkChain(evidence.links, &report)
        checkTrust(evidence.links.map(\.publicKey), &report)
        switch evidence {
        case .chain: concludeChain(&report)
        case .proof(let proof):
            checkProof(proof, &report)
            checkDocument(proof, document, &report)
        }
        if let after { checkAfter(after, document, &report) }
        concludeTimes(evidence, &report)
        if !report.holds { report.conclusions = [] }
        return report
    }

    private func checkChain(_ links: [ChainLink], _ report: inout EvidenceReport) {
        do throws(ChainFailure) {
            let chain = try VerifiedChain(verifying: links, options: options)
            report.chain = chain
            let count = links.count == 1 ? "1 answer, signed" : "\(links.count) answers, each signed"
            report.note("signatures", .passed, links.count == 1 ? count : count + " and tied to the one before")
            if chain.responses.contains(where: \.usesDraftContext) {
                report.warnings.append("at least one answer is signed in the words of the drafts, as you allowed")
            }
        } catch {
            report.note("signatures", .failed, "\(error)")
        }
    }

    private func checkTrust(_ keys: [[UInt8]], _ report: inout EvidenceReport) {
        let unique = keys.reduce(into: [[UInt8]]()) { if !$0.contains($1) { $0.append($1) } }
        guard let trustedKeys else {
            report.note("trust", .skipped, "no key and no list was given to compare with")
            for key in unique {
                let known = names[key].map { " (\($0), by the list of public servers)" } ?? ""
                report.warnings.append("signed by \(Base64.encode(key))\(known), which is in no list you gave")
            }
            return
        }
        let strangers = unique.filter { !trustedKeys.contains($0) }
        if strangers.isEmpty {
            report.note("trust", .passed, "every key is one you gave")
        } else {
            let text = strangers.map { Base64.encode($0) }.joined(separator: ", ")
            report.note("trust", .failed, "signed by \(text), which is in no list you gave")
        }
    }

    private func concludeChain(_ report: inout EvidenceReport) {
        guard let chain = report.chain else { return }
        for pair in chain.inconsistencies {
            let (first, second) = (chain.responses[pair.first], chain.responses[pair.second])
            report.conclusions.append(
                """
                Answer \(pair.first) of \(who(chain, pair.first)) says that it was at least \
                \(TimeText.utc(first.earliest)); answer \(pair.second) of \(who(chain, pair.second)) came later and \
                says that it was at most \(TimeText.utc(second.latest)).
                """
            )
        }
        if chain.isConsistent {
            report.conclusions.append("The answers do not contradict each other: this convicts nobody.")
        } else if let suspect = chain.suspectIndex {
            report.conclusions.append(
                "Without \(who(chain, suspect)) all others agree: that server stated a wrong time."
            )
        } else {
            report.conclusions.append("At least one of the servers stated a wrong time; the chain does not tell which.")
        }
    }

    private func checkProof(_ proof: TimeProof, _ report: inout EvidenceReport) {
        guard report.chain != nil else { return }
        do throws(TimeProofFailure) {
            let verified = try proof.verify(options: options)
            report.existedBefore = verified.existedBefore
            report.note("binding", .passed, "the first nonce is made of the digest \(Hex.encode(proof.digest))")
        } catch {
            report.note("binding", .failed, "\(error)")
        }
    }

    private func checkDocument(_ proof: TimeProof, _ document: [UInt8]?, _ report: inout EvidenceReport) {
        guard let document else {
            report.note("document", .skipped, "no document was given to compare with the digest")
            return
        }
        let digest = TimeProof.digest(of: document)
        if digest == proof.digest {
            report.note("document", .passed, "its SHA-256 is the digest of the proof")
        } else {
            report.note(
                "document",
                .failed,
                "its SHA-256 is \(Hex.encode(digest)), the proof is about another document"
            )
        }
    }

    /// The document names a response by its SHA-256 in its member `after`, so it was written later.
    private func checkAfter(_ file: [UInt8], _ document: [UInt8]?, _ report: inout EvidenceReport) {
        struct Dated: Decodable { let after: String }
        guard let document, JSONNesting.isShallow(document, limit: 64),
            let dated = try? JSONDecoder().decode(Dated.self, from: Data(document)),
            let digest = Hex.decode(dated.after), digest.count == 32
        else {
            return report.note("after", .failed, "there is no JSON document with a member \"after\" of 64 hex digits")
        }
        let links = (try? MalfeasanceReport(json: Data(file), keys: Array(trustedKeys ?? [])))?.links ?? []
        let responses = links.isEmpty ? [file] : links.map(\.response)
        guard let index = responses.firstIndex(where: { TimeProof.digest(of: $0) == digest }) else {
            return report.note("after", .failed, "the response is not the one that the document names")
        }
        var keys = trustedKeys.map(Array.init) ?? Array(names.keys) + (report.chain?.links.map(\.publicKey) ?? [])
        if trustedKeys == nil, !links.isEmpty { keys.append(links[index].publicKey) }
        let statements = keys.lazy.compactMap { key in
            try? ResponseVerifier(longTermPublicKey: key, options: options).statement(in: responses[index])
        }
        guard let statement = statements.first else {
            return report.note("after", .failed, "the response is signed by no key that is known here; give its --key")
        }
        report.notBefore = statement.earliest
        report.note("after", .passed, "the document names a response that \(who(statement.publicKey)) signed")
        if trustedKeys == nil {
            report.warnings.append("the response before the document: signed by \(Base64.encode(statement.publicKey))")
        }
    }

    private func concludeTimes(_ evidence: TimeEvidence, _ report: inout EvidenceReport) {
        let subject = report.checks.contains { $0.name == "document" && $0.outcome == .passed }
        let what = subject ? "The document" : "The document with this digest"
        if let before = report.existedBefore, let chain = report.chain {
            let servers = chain.links.indices.map { who(chain, $0) }
            let signers = servers.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
            report.conclusions.append(
                "\(what) existed before \(TimeText.utc(before)): signed by \(signers.joined(separator: ", "))."
            )
        }
        if let after = report.notBefore {
            report.conclusions.append("\(what) was not finished before \(TimeText.utc(after)).")
        }
    }

    private func who(_ chain: VerifiedChain, _ index: Int) -> String { who(chain.links[index].publicKey) }

    private func who(_ key: [UInt8]) -> String { names[key] ?? Base64.encode(key) }
}
