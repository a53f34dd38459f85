// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ByteCoding
import Foundation
import LightningPrimitives
import Nostr
import PomadeClient

extension FrostCommand {
    /// Signs with the signers.
    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign an event, or 32 bytes.",
            discussion: """
                The event is JSON with kind and content, and if you like tags and created_at; pubkey, id and sig are filled \
                in. The signed event goes to standard output, who signed and how long each round took to standard error.

                  echo '{"kind":1,"content":"hello"}' | assay frost sign --event -
                  assay frost sign --digest $(sha256sum FILE | cut -c 1-64)

                The next quorum is tried at once when a signer fails, and beside the first when one takes over a second. A \
                signer whose part is wrong is named.
                """
        )

        @OptionGroup var stateOptions: StateOptions

        @Option(help: "The file with the event to sign; - for standard input.")
        var event: String?

        @Option(help: "32 bytes to sign, in hexadecimal.")
        var digest: String?

        @Flag(help: "Print JSON with the signers and the rounds' milliseconds.")
        var json = false

        func validate() throws {
            guard (event == nil) != (digest == nil) else { throw ValidationError("give either --event or --digest") }
        }

        func run() async throws {
            let signer = try stateOptions.signer()
            if let digest {
                guard let bytes = Hex.decode(digest), bytes.count == 32 else {
                    throw Failure(Failure.usage, "--digest takes 64 hexadecimal digits")
                }
                let signature = try await FrostCommand.asking { try await signer.sign(bytes) }
                try report(signature, signer, event: nil)
                if !json { Terminal.say(Hex.encode(signature.bytes)) }
                return
            }
            let template = try template(key: signer.key)
            let (signed, signature) = try await FrostCommand.asking { try await signer.sign(template) }
            try report(signature, signer, event: signed)
            if !json { Terminal.say(String(decoding: signed.json, as: UTF8.self)) }
        }

        private struct Template: Decodable {
            let pubkey: String?
            let kind: UInt16
            let created_at: Int64?
            let tags: [[String]]?
            let content: String?
        }

        private func template(key: NostrKey) throws -> UnsignedEvent {
            let data =
                event == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: event ?? "")
            guard let data else { throw Failure(Failure.unreadable, "\(event ?? "") cannot be read") }
            guard let template = try? JSONDecoder().decode(Template.self, from: data) else {
                throw Failure(
                    Failure.unreadable,
                    "the event is not JSON with a kind from 0 to 65535, such as {\"kind\":1,\"content\":\"hello\"}"
                )
            }
            if let pubkey = template.pubkey, pubkey.lowercased() != key.hex {
                throw Failure(Failure.usage, "the event's pubkey is \(pubkey), the signers hold \(key.hex)")
            }
            return UnsignedEvent(
                key: key,
                createdAt: template.created_at ?? unixSeconds(),
                kind: template.kind,
                tags: template.tags ?? [],
                content: template.content ?? ""
            )
        }

        private struct Report: Encodable {
            let signature: String
            let event: NostrEvent?
            let signers: [ClientState.Member]
            /// Milliseconds.
            let firstRound, secondRound: Double?
            /// Who was asked and of no use.
            let faults: [Fault]
        }

        private struct Fault: Encodable {
            let idx: Int
            let url, problem: String
        }

        private func report(_ signature: JointSignature, _ signer: ThresholdSigner, event: NostrEvent?) throws {
            let members = signer.state.members.filter { signature.members.contains($0.idx) }
            guard !json else {
                try Terminal.say(
                    json: Report(
                        signature: Hex.encode(signature.bytes),
                        event: event,
                        signers: members,
                        firstRound: signature.firstRound.map { $0 / .milliseconds(1) },
                        secondRound: signature.secondRound / .milliseconds(1),
                        faults: signer.faults.map { Fault(idx: $0.number, url: $0.url, problem: "\($0.problem)") }
                    )
                )
                return
            }
            let rounds =
                "\(FrostCommand.seconds(signature.firstRound)) and \(FrostCommand.seconds(signature.secondRound))"
            Terminal.note("signed in rounds of \(rounds) by")
            for member in members { Terminal.note("  \(member.idx)  \(member.url)") }
            for fault in signer.faults { Terminal.note("not by \(fault)") }
        }
    }
}
