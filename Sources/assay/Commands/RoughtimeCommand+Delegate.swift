// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import RoughtimeKeys
import Settings

extension RoughtimeCommand {
    /// Signs the delegations that a responder asks for.
    struct Delegate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign the delegations that a responder asks for, and end.",
            discussion: """
                Reads the request, checks the policy, writes a line of the audit log, signs one certificate for each form \
                of delegation, writes them and ends. The seed comes from $CREDENTIALS_DIRECTORY/longterm.seed, as \
                assay-roughtime-delegate.service has it, or from --seed-file; never from anywhere else.

                On a machine without a network: carry the request there and the certificates back.

                  assay roughtime delegate --offline --life 8d --seed-file - \\
                    --public-key longterm.pub --audit-log mintings.jsonl \\
                    --csr request.json --out certificates.json

                Exit codes: 0 signed, or signed before; 64 usage; 65 the request or seed is malformed; 75 another process \
                is minting; 77 the policy refuses, or the seed is another key's; 78 there is no seed or no request.
                """
        )

        @Option(help: "The responder's request.")
        var csr: String

        @Option(help: "Where the certificates go.")
        var out: String

        @Option(
            help: "32 bytes that only the owner can read; '-' is standard input. Without it the systemd credential."
        )
        var seedFile: String?

        @Option(help: "The audit log; without it mintings.jsonl in $STATE_DIRECTORY.")
        var auditLog: String?

        @Option(help: "The long-term public key, or its file, that the seed must be of.")
        var publicKey: String?

        @Flag(help: "The files are carried by hand: allow a life of up to eight days.")
        var offline = false

        @Option(help: "How long, such as 48h; without it ASSAY_ROUGHTIME_DELEGATION_SECONDS.")
        var life: TimeOption?

        @Flag(help: "Something outside has made sure that the clock is synchronised: 'assay roughtime clock'.")
        var clockChecked = false

        func run() throws {
            try RoughtimeCommand.guarding { try delegate() }
        }

        private func delegate() throws {
            try ProcessMemory.protect()
            let environment = ProcessInfo.processInfo.environment
            let policy = try policy(try Settings.load())
            let pinned = try publicKey.map(RoughtimeCommand.publicKey)
            let request = try CertificateRequest(file: csr)
            let clock = clockChecked ? .checkedElsewhere() : try KernelClock.read()
            if let old = try? CertificateSet(file: out), old.answers(request), old.window.contains(clock.now) {
                return Terminal.note("The request is answered already, until \(Self.date(old.window.upperBound)).")
            }
            guard let log = auditLog ?? environment["STATE_DIRECTORY"].map({ "\($0)/mintings.jsonl" }) else {
                throw ValidationError("--audit-log is needed where systemd gives no STATE_DIRECTORY")
            }
            var audit = try AuditLog(log)
            let set = try sign(request, policy, clock, &audit, pinned, environment["CREDENTIALS_DIRECTORY"])
            try set.write(to: out)
            Terminal.note(
                """
                Delegated \(Hex.encode(set.publicKey)) from \(Self.date(set.window.lowerBound)) to \
                \(Self.date(set.window.upperBound)) for \(set.certificates.count) forms, as \
                \(LongTermPublicKey.text(of: set.longTermPublicKey)).
                """
            )
        }

        /// The seed lives only in here.
        private func sign(
            _ request: CertificateRequest,
            _ policy: DelegationPolicy,
            _ clock: KernelClock,
            _ audit: inout AuditLog,
            _ pinned: [UInt8]?,
            _ credentials: String?
        ) throws -> CertificateSet {
            let source: LongTermSeed.Source =
                switch seedFile {
                case nil: .credential
                case "-"?: .standardInput
                case let path?: .file(path)
                }
            let seed = try LongTermSeed.read(from: source, credentialsDirectory: credentials)
            if let pinned { try seed.requirePublicKey(pinned) }
            return try Mint.certificates(for: request, seed: seed, policy: policy, clock: clock, log: &audit)
        }

        private func policy(_ settings: Settings) throws -> DelegationPolicy {
            let seconds =
                switch life {
                case .after(let seconds)?: seconds
                case .at?: throw ValidationError("--life is a length such as 48h or 8d")
                case nil: Int64(settings.integer(.roughtimeDelegationSeconds) ?? 172_800)
                }
            return try DelegationPolicy(
                life: seconds,
                isOffline: offline,
                allowsUnsynchronisedClock: settings.text(.roughtimeUnsynchronised) == "wide"
            )
        }

        private static func date(_ seconds: Int64) -> String {
            Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
        }
    }
}
