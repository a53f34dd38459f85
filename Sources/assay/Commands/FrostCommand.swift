// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import LightningPrimitives
import Nostr
import PasswordHashing
import PomadeClient
import Secp256k1
import Supervisor

/// Uses a Nostr key that several signers hold together.
struct FrostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frost",
        abstract: "Split a Nostr key among signers, and sign with it while no machine holds it (FROST, Pomade).",
        discussion: """
            Any t of n signers sign together; fewer learn nothing of the key. The signers are 'assay signer serve' or any \
            other that speaks Pomade.

            A worked example, beside 'assay run --data ./assay-data', which starts three signers:

              1. Make a key and split it; put key.nsec away safely:
                   assay frost deal --new-key-file key.nsec
                 With other people's signers add --signer URL for each.
              2. Sign a note with what deal left in frost.json:
                   echo '{"kind":1,"content":"signed by two of three"}' > note
                   assay frost sign --event note
              3. Stop a signer and sign again: two are enough.
              4. Talk to somebody in secret (NIP-44), as the key's owner:
                   echo hello | assay frost ecdh npub1... --encrypt
              5. See who may sign with the key, and end a session:
                   assay frost sessions
                   assay frost sessions --deactivate SESSION

            'assay frost generate' makes a key that is never in one place, in place of step 1.

            With 'deal --email you@example.com' the key can be had back later without frost.json: 'assay frost recover'.

            frost.json does not hold the key, but whoever reads it can sign as you until you deactivate its session. It \
            is written for your eyes only.

            Exit codes: 0 done; 64 usage; 65 a file cannot be read or written; 69 too few signers.
            """,
        subcommands: [
            Deal.self, Generate.self, Sign.self, Exchange.self, Sessions.self, Login.self, Recover.self, Refresh.self,
            Repair.self,
        ]
    )

    /// Where the client's state is.
    struct StateOptions: ParsableArguments {
        @Option(help: "The file that 'assay frost deal' wrote.")
        var state = "frost.json"

        func signer() throws -> ThresholdSigner {
            guard let json = FileManager.default.contents(atPath: state) else {
                throw Failure(
                    Failure.unreadable,
                    "\(state) cannot be read: make it with 'assay frost deal', or name yours with --state"
                )
            }
            guard SigningKeys.isPrivate(state) else {
                throw Failure(
                    Failure.unreadable,
                    "\(state) can be read by others, who could sign with it; run: chmod 600 \(state)"
                )
            }
            do throws(ThresholdError) { return try ThresholdSigner(ClientState(json: Array(json))) } catch {
                throw Failure(Failure.unreadable, "\(state): \(error)")
            }
        }
    }

    /// Which signers to ask.
    struct SignerOptions: ParsableArguments {
        @Option(
            name: .customLong("signer"),
            help: "A signer's URL as its operator gives it; repeat it for each, in the order of preference."
        )
        var urls: [String] = []

        @Option(help: "A directory of 'assay run', whose signers are used when none is named.")
        var data = "./assay-data"

        func found() throws -> [String] {
            if !urls.isEmpty { return urls }
            struct RunSigners: Decodable {
                struct Signer: Decodable { let url: String }
                let signers: [Signer]?
            }
            let path = "\(data)/run.json"
            let run = FileManager.default.contents(atPath: path)
                .flatMap { try? JSONDecoder().decode(RunSigners.self, from: $0) }
            guard let signers = run?.signers, !signers.isEmpty else {
                throw Failure(
                    Failure.usage,
                    "name the signers with --signer URL; \(path) names none (with --data, another directory of 'assay run')"
                )
            }
            return signers.map(\.url)
        }
    }

    /// What an account is known by.
    struct AccountOptions: ParsableArguments {
        @Option(help: "The account's address, exactly as it was given.")
        var email: String
    }

    /// Runs what asks signers, and turns its errors into ones with an exit code.
    static func asking<Value>(_ body: () async throws -> Value) async throws -> Value {
        do { return try await body() } catch let error as ThresholdError {
            if case .invalid(let what) = error { throw Failure(Failure.usage, what) }
            throw Failure(Failure.unavailable, "\(error)")
        }
    }

    /// Reads a secret key from a file: nsec or hexadecimal.
    static func readKey(_ path: String) throws -> SecretKey {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(Failure.unreadable, "\(path) cannot be read")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        let bytes = Hex.decode(text)
        if let key = bytes.flatMap({ SecretKey($0) }) ?? (try? SecretKey(nsec: text)) { return key }
        throw Failure(Failure.unreadable, "\(path) holds no secret key: write it as nsec1... or 64 hexadecimal digits")
    }

    /// Finds out before anything is done whether a file can be made.
    static func requireNew(_ path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw Failure(Failure.usage, "\(path) exists already: name another file, or move it away")
        }
        let directory = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        guard FileManager.default.isWritableFile(atPath: directory) else {
            throw Failure(
                Failure.unreadable,
                "\(path) cannot be written: there is no such directory, or it is not yours"
            )
        }
    }

    /// Writes a secret for its owner only, and never over another.
    static func writeNew(_ text: String, to path: String) throws {
        try requireNew(path)
        do { try PrivateFile.write(Array(text.utf8), to: path) } catch { throw Failure(Failure.unreadable, "\(error)") }
    }

    /// Reads a key as people write it.
    static func publicKey(_ text: String) throws -> NostrKey {
        if let key = Hex.decode(text).flatMap({ NostrKey($0) }) ?? (try? NostrKey(npub: text)) { return key }
        throw Failure(Failure.usage, "\(text) is no public key: write npub1... or 64 hexadecimal digits")
    }

    /// Writes a state over the one it takes the place of, in one step.
    static func replace(_ path: String, with state: ClientState) throws {
        do { try PrivateFile.write(state.json, to: path) } catch { throw Failure(Failure.unreadable, "\(error)") }
    }

    /// Asks for a line that is not shown, or takes the next line of a pipe.
    static func secretLine(_ question: String) throws -> String {
        guard let line = Terminal.secret(question), !line.isEmpty else {
            throw Failure(Failure.usage, "nothing was entered, on the terminal or standard input, for '\(question)'")
        }
        return line
    }

    /// Asks twice on a terminal: what is misspelt now would be found out when it is needed.
    static func newSecretLine(_ question: String) throws -> String {
        let line = try secretLine(question)
        if Terminal.isInteractive, Terminal.secret("Once more: ") != line {
            throw Failure(Failure.usage, "the two do not agree; nothing was done")
        }
        return line
    }

    static func seconds(_ duration: Duration?) -> String {
        duration.map { String(format: "%.1f ms", $0 / .milliseconds(1)) } ?? "-"
    }
}
