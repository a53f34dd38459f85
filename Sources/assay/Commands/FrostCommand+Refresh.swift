// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import LightningPrimitives
import Pomade
import PomadeClient

extension FrostCommand {
    /// Deals new shares of the same key.
    struct Refresh: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give the signers new shares of the same key.",
            discussion: """
                Shares stolen before and after do not add up: do it now and then, and whenever a signer was broken into. \
                All signers must answer. They take the new shares into store first and change together then; if one \
                could not be told to change, run the command again.

                The key and --state's session stay; other devices of the same key have to log in again.

                  assay frost refresh
                """
        )

        @OptionGroup var stateOptions: StateOptions

        func run() async throws {
            let signer = try stateOptions.signer()
            let changed = try await FrostCommand.asking {
                do { return try await signer.refresh() } catch ThresholdError.halfRefreshed(let group, let faults) {
                    for fault in faults { Terminal.error("\(fault)") }
                    Terminal.note("Telling those once more …")
                    return try await signer.finishRefresh(to: group)
                }
            }
            try FrostCommand.replace(stateOptions.state, with: changed)
            Terminal.say("\(changed.members.count) signers hold new shares")
        }
    }

    /// Makes a session for another device.
    struct Login: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "login",
            abstract: "Sign on another device: make a session by password or by mailed codes.",
            discussion: """
                The key stays with the signers; what signing needs is written to --state.

                  assay frost login --email you@example.com --signer https://a.example ...
                """
        )

        @OptionGroup var signers: SignerOptions
        @OptionGroup var account: AccountOptions

        @Option(help: "Where to write what signing needs; it must not exist.")
        var state = "frost.json"

        @Flag(help: "Use codes that the signers mail, in place of the password.")
        var codes = false

        @Option(help: "The public key, where several accounts belong to the address.")
        var key: String?

        func run() async throws {
            guard !FileManager.default.fileExists(atPath: state) else {
                throw Failure(Failure.usage, "\(state) exists already: name another file with --state, or move it away")
            }
            let chosen = try key.map { try FrostCommand.publicKey($0) }
            let urls = try signers.found()
            let access = try await FrostCommand.asking {
                try AccountAccess(urls: urls, hashing: await AccountAccess.hashing(of: urls))
            }
            let secret = try await FrostCommand.proof(access, of: account.email, codes: codes)
            let made = try await FrostCommand.asking {
                try await access.logIn(
                    address: account.email,
                    secret: secret,
                    account: chosen.flatMap { .init($0.bytes) }
                )
            }
            try FrostCommand.writeNew(String(decoding: made.json, as: UTF8.self), to: state)
            try Deal.report(
                try ThresholdSigner(made),
                state: state,
                threshold: made.group.wire.threshold,
                json: false
            )
        }
    }
}
