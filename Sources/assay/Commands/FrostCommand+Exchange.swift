// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Crypto
import Foundation
import Nostr
import PomadeClient

extension FrostCommand {
    /// Derives a shared secret.
    struct Exchange: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "ecdh",
            abstract: "Encrypt to, or decrypt from, somebody else's key (NIP-44).",
            discussion: """
                The signers derive what the two keys share, each with a proof that it used its own share, and none learns \
                it. One line feed at the end of what is encrypted is left out.

                  echo hello | assay frost ecdh npub1... --encrypt
                  echo AgKK... | assay frost ecdh npub1... --decrypt
                  assay frost ecdh npub1... --key-file conversation.key
                """
        )

        @OptionGroup var stateOptions: StateOptions

        @Argument(help: "The other key: npub1... or 64 hexadecimal digits.")
        var peer: String

        @Flag(help: "Encrypt standard input.")
        var encrypt = false

        @Flag(help: "Decrypt standard input.")
        var decrypt = false

        @Option(help: "Write the conversation's key, in hexadecimal, to this new file.")
        var keyFile: String?

        @Flag(
            help: "Accept signers that prove nothing; what they answer wrongly shows only in what cannot be decrypted."
        )
        var unproven = false

        func validate() throws {
            guard [encrypt, decrypt, keyFile != nil].filter(\.self).count == 1 else {
                throw ValidationError("give one of --encrypt, --decrypt and --key-file")
            }
        }

        func run() async throws {
            if let keyFile { try FrostCommand.requireNew(keyFile) }
            let signer = try stateOptions.signer()
            let other = try FrostCommand.publicKey(peer)
            let key = try await FrostCommand.asking {
                try await signer.conversationKey(with: other, requiresProof: !unproven)
            }
            if let keyFile {
                try FrostCommand.writeNew(key.withUnsafeBytes { Hex.encode(Array($0)) } + "\n", to: keyFile)
                return
            }
            let conversation = NIP44(conversationKey: key)
            var text = Array(FileHandle.standardInput.readDataToEndOfFile())
            if text.last == UInt8(ascii: "\n") { text.removeLast() }
            do throws(NIP44Error) {
                if encrypt {
                    Terminal.say(try conversation.encrypt(text))
                } else {
                    let plain = try conversation.decrypt(String(decoding: text, as: UTF8.self))
                    Terminal.say(String(decoding: plain, as: UTF8.self))
                }
            } catch { throw Failure(Failure.unreadable, "\(error)") }
        }
    }
}
