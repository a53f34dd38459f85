// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Pomade
import SigningRounds
import Subprocess
import Testing

@Suite("Nonces are used for one message")
struct NonceReuseTests {
    struct Leak: Decodable {
        struct Row: Decodable { let stamp: Int64 }
        let group: WireGroup
        let victim_share: WireShare
        let members: [Int]
        let hash: [Hex32]
        let equations: [Row]
    }

    @Test("the requests that once gave a share away cannot name the registered nonces, and get fresh ones")
    func registeredNonces() throws {
        let leak = try Vectors.load("nonce_leak", as: Leak.self)
        let victim = try SignerShare(group: leak.group, share: leak.victim_share)
        let pending = PendingCommits()
        let client = Hex32.random()
        var announced: Set<Hex33> = []
        for row in leak.equations {
            let commitment = try pending.commit(
                client: client,
                share: victim,
                members: leak.members,
                now: DealtKey.now
            )
            announced.formUnion([commitment.hidden, commitment.binder])
            let request = PomadeBody.SignatureRequest(
                content: nil,
                hash: leak.hash,
                members: leak.members,
                stamp: row.stamp,
                type: "message",
                gid: try #require(Hex32(victim.registered.id)),
                sid: .random()
            )
            let registered = leak.group.commits.filter { leak.members.contains($0.idx) }.map {
                PomadeBody.Nonces(idx: $0.idx, hidden: $0.hiddenNonce, binder: $0.binderNonce)
            }
            let taken = try pending.take(client: client, commitID: commitment.commitID, now: DealtKey.now)
            do throws(SignerFailure) {
                _ = try taken.complete(
                    PomadeBody.Complete(commitID: commitment.commitID, request: request, nonces: registered),
                    share: victim,
                    terms: TakenCommit.Terms(now: DealtKey.now)
                )
                Issue.record("the registered nonces were taken")
            } catch { #expect(error.code == .nonceMismatch) }
        }
        let registered = Set(leak.group.commits.flatMap { [$0.hiddenNonce, $0.binderNonce] })
        #expect(announced.count == 2 * leak.equations.count && announced.isDisjoint(with: registered))
    }

    @Test("a program that signs twice with one commitment does not compile")
    func twiceDoesNotCompile() async throws {
        let call = "_ = try taken.complete(body, share: share, terms: terms)"
        #expect(try await compile(call) == "")
        let twice = try await compile(call + "\n    " + call)
        #expect(twice.contains("'taken' consumed more than once"))
        let copied = try await compile("let copy = taken\n    \(call)\n    _ = copy")
        #expect(copied.contains("consumed more than once"))
        let made = try await compile("_ = TakenCommit()\n    \(call)")
        #expect(made.contains("error:"))
    }

    /// What the compiler says about a function that has a taken commitment; empty when it compiles.
    private func compile(_ statements: String) async throws -> String {
        let source = """
            import Pomade
            import SigningRounds
            func use(
                _ taken: consuming TakenCommit, body: PomadeBody.Complete, share: SignerShare, terms: TakenCommit.Terms
            ) throws {
                \(statements)
            }
            """
        let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).swift")
        try Data(source.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        // The modules that this test is built from lie beside its bundle, the system libraries' among the sources.
        let modules = Bundle.module.bundleURL.deletingLastPathComponent().appending(path: "Modules")
        let sources = URL(filePath: #filePath).appending(path: "../../../Sources").standardized
        let maps = ["CSecp256k1", "CSodium"].flatMap { name in
            ["-Xcc", "-fmodule-map-file=\(sources.appending(path: "\(name)/module.modulemap").path)"]
        }
        // Ownership is checked after types are: code is made, and thrown away.
        let options = ["-emit-sil", "-o", "/dev/null", "-swift-version", "6", "-I", modules.path]
        let output = try await run(
            .name("swiftc"),
            arguments: Arguments(options + maps + [file.path]),
            output: .discarded,
            error: .string(limit: 1 << 20)
        )
        return output.standardError
    }
}
