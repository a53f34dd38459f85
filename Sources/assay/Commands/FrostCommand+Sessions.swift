// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Pomade
import PomadeClient

extension FrostCommand {
    /// Lists and changes sessions.
    struct Sessions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the clients that may sign with the key, and change what they may do.",
            discussion: """
                The requests are signed with the key itself, by the signers together.

                  assay frost sessions
                  assay frost sessions --deactivate SESSION
                      it can sign no more; its address still recovers
                  assay frost sessions --delete SESSION
                      the same, and its shares are erased with the last session
                  assay frost sessions --policy policy.json
                      hold this state's own session to a policy

                A policy says what is allowed; what it does not mention is:

                  {"kinds": [1,7,27235], "max_per_day": 200,
                   "expires_at": 1893456000, "allow_ecdh": false}

                Further members are require_event, otp and recovery_delay (docs/signer.md). Kind 27235 is what this command \
                signs: without it the session cannot change its policy any more.
                """
        )

        @OptionGroup var stateOptions: StateOptions

        @Option(help: "The session to deactivate.")
        var deactivate: String?

        @Option(help: "The session to delete.")
        var delete: String?

        @Option(help: "A file with a policy, for --session.")
        var policy: String?

        @Option(help: "The session that gets the policy; this state's own when it is left out.")
        var session: String?

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard [deactivate, delete, policy].compactMap(\.self).count <= 1 else {
                throw ValidationError("give one of --deactivate, --delete and --policy")
            }
            guard session == nil || policy != nil else {
                throw ValidationError("--session names who gets the --policy: give that too")
            }
        }

        func run() async throws {
            let signer = try stateOptions.signer()
            if let deactivate {
                try finish(await signer.deactivate(try name(deactivate)), signer)
            } else if let delete {
                try finish(await signer.delete(try name(delete)), signer)
            } else if let policy {
                let policy = try read(policy)
                let session = try session.map(name) ?? signer.state.session
                try finish(await signer.setPolicy(policy, of: session), signer)
            } else {
                try await list(signer)
            }
        }

        private func name(_ text: String) throws -> Hex32 {
            guard let name = Hex32(hex: text) else {
                throw Failure(Failure.usage, "a session's name has 64 hexadecimal digits: see 'assay frost sessions'")
            }
            return name
        }

        private static let members = [
            "kinds", "require_event", "max_per_day", "expires_at", "otp", "recovery_delay", "allow_ecdh",
        ]

        private func read(_ path: String) throws -> SessionPolicy {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw Failure(Failure.unreadable, "\(path) cannot be read")
            }
            guard let policy = try? JSONDecoder().decode(SessionPolicy.self, from: data),
                let members = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
            else { throw Failure(Failure.unreadable, "\(path) is no policy: see 'assay frost sessions --help'") }
            // A misspelt limit would otherwise be none.
            if let stranger = members.keys.sorted().first(where: { !Self.members.contains($0) }) {
                throw Failure(
                    Failure.unreadable,
                    "\(path): a policy has no '\(stranger)', but \(Self.members.joined(separator: ", "))"
                )
            }
            do throws(SignerFailure) { try policy.requireSensible() } catch {
                throw Failure(Failure.unreadable, "\(path): \(error.message)")
            }
            return policy
        }

        private func finish(_ faults: [SignerFault], _ signer: ThresholdSigner) throws {
            for fault in faults { Terminal.error("\(fault)") }
            let count = signer.state.members.count
            Terminal.note("done at \(count - faults.count) of \(count) signers")
            // A signer that does not have the session will not have it the next time either.
            let isAgainOfUse = faults.contains { $0.problem.code != .notFound }
            if isAgainOfUse { throw Failure(Failure.unavailable, "not done everywhere: run it again") }
            guard faults.count < count else {
                throw Failure(Failure.unavailable, "no signer has this session: 'assay frost sessions' lists all")
            }
        }

        private struct Row: Encodable {
            let signer: Int
            let session: SessionItem
            let isOwn: Bool
        }

        private func list(_ signer: ThresholdSigner) async throws {
            let (listed, faults) = await signer.sessions()
            for fault in faults { Terminal.error("\(fault)") }
            let rows = listed.map {
                Row(signer: $0.signer, session: $0.item, isOwn: $0.item.client == signer.state.session)
            }
            if json {
                try Terminal.say(json: rows)
            } else {
                let header = ["share", "session", "created", "last used", "state", "address"]
                Terminal.table([header] + rows.map(cells))
            }
            guard faults.count < signer.state.members.count else {
                throw Failure(Failure.unavailable, "no signer gave its list")
            }
        }

        private func cells(_ row: Row) -> [String] {
            let item = row.session
            return [
                String(row.signer), item.client.description, Self.date(item.createdAt), Self.date(item.lastActivity),
                (item.deactivatedAt == nil ? "active" : "deactivated") + (row.isOwn ? ", this one" : ""),
                item.email ?? "-",
            ]
        }

        private static func date(_ seconds: Int64) -> String {
            Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        }
    }
}
