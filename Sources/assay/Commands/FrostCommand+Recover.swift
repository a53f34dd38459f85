// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import LightningPrimitives
import Nostr
import Pomade
import PomadeClient

extension FrostCommand {
    /// Makes the key again.
    struct Recover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have the key back, by password or by mailed codes.",
            discussion: """
                The shares of as many signers as the threshold make the key, which is written to --key-file and nowhere \
                else.

                  assay frost recover --email you@example.com --key-file key.nsec \\
                    --signer https://a.example --signer https://b.example ...

                Name all of the key's signers if you can. With --codes each mails a \
                code; enter them when they are there, an empty line ends. Signers may hold a recovery by code back for a \
                day, and tell you so by mail. Those of 'assay run' write their codes to logs/signer-*.log.
                """
        )

        @OptionGroup var signers: SignerOptions
        @OptionGroup var account: AccountOptions

        @Option(help: "The new file for the key, as nsec1...")
        var keyFile: String

        @Flag(help: "Use codes that the signers mail, in place of the password.")
        var codes = false

        @Option(help: "The public key, where several accounts belong to the address.")
        var key: String?

        func run() async throws {
            try FrostCommand.requireNew(keyFile)
            let chosen = try key.map { try FrostCommand.publicKey($0) }
            let urls = try signers.found()
            let access = try await FrostCommand.asking {
                try AccountAccess(urls: urls, hashing: await AccountAccess.hashing(of: urls))
            }
            let secret = try await FrostCommand.proof(access, of: account.email, codes: codes)
            let recovered = try await FrostCommand.asking {
                try await access.recover(
                    address: account.email,
                    secret: secret,
                    account: chosen.flatMap { Hex32($0.bytes) }
                )
            }
            try FrostCommand.writeNew(recovered.nsec + "\n", to: keyFile)
            Terminal.say(NostrKey(recovered).npub)
            Terminal.note("The key is in \(keyFile).")
        }
    }
}

extension FrostCommand {
    /// Asks for the password, or has codes mailed and asks for them.
    static func proof(
        _ access: AccountAccess,
        of email: String,
        codes: Bool
    ) async throws -> AccountAccess.Secret {
        guard codes else { return .password(try secretLine("Password for \(email): ")) }
        for fault in await access.requestCodes(address: email) { Terminal.error("\(fault)") }
        Terminal.note("Each signer that knows the address mails a code. Enter them, an empty line ends:")
        var entered: [String] = []
        while let line = readLine(), !line.trimmingCharacters(in: .whitespaces).isEmpty {
            entered += line.split(whereSeparator: \.isWhitespace).map(String.init)
        }
        guard !entered.isEmpty else { throw Failure(Failure.usage, "no code was entered") }
        return .codes(entered)
    }
}
