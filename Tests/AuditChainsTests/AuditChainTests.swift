// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Testing

@testable import AuditChains

@Suite("Audit chains")
struct AuditChainTests {
    struct File: Decodable {
        struct Link: Decodable {
            let entry: AuditChainEntry
            let canonical, hash: String
        }
        struct Signature: Decodable { let message, publicKey, signature: String }
        let entries: [Link]
        let headSignature: Signature
    }

    private static let file: File? = {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let data = try? Data(contentsOf: folder.appending(path: "audit_chain.json"))
        else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(File.self, from: data)
    }()

    private let file: File

    init() throws { file = try #require(Self.file) }

    private func follow(_ entries: [AuditChainEntry]) throws -> AuditChainHead {
        try entries.reduce(.empty) { try $0.following($1) }
    }

    @Test("entries, hashes and the signed head are the published ones")
    func vectors() throws {
        var head = AuditChainHead.empty
        #expect(file.entries.count == 4)
        for link in file.entries {
            let entry = link.entry
            let made = head.next(at: entry.at, action: entry.action, subject: entry.subject, outcome: entry.outcome)
            #expect(made == entry)
            #expect(String(decoding: entry.canonical, as: UTF8.self) == link.canonical)
            #expect(Hex.encode(entry.hash) == link.hash)
            head = try head.following(entry)
        }
        let signed = file.headSignature
        #expect(head.signedText == signed.message)
        let signature = try #require(Hex.decode(signed.signature))
        let key = try #require(Hex.decode(signed.publicKey))
        #expect(head.isSigned(signature, by: key))
        #expect(!AuditChainHead(seq: 3, hash: head.hash).isSigned(signature, by: key))
        #expect(!head.isSigned(signature, by: Array(key.reversed())) && !head.isSigned([], by: []))
    }

    @Test("an entry that is changed, left out, repeated or moved breaks the chain")
    func tampering() throws {
        let entries = file.entries.map(\.entry)
        let head = try follow(entries)
        for order in [[1, 2, 3], [0, 2, 3], [0, 1, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2]] {
            #expect(throws: AuditChainFault.self) { try follow(order.map { entries[$0] }) }
        }
        for index in entries.indices {
            let entry = entries[index]
            let changes = [
                AuditChainEntry(
                    seq: entry.seq,
                    at: entry.at,
                    action: entry.action,
                    subject: "eve",
                    outcome: entry.outcome,
                    prev: entry.prev
                ),
                AuditChainEntry(
                    seq: entry.seq,
                    at: entry.at,
                    action: "keyshare.delete",
                    subject: entry.subject,
                    outcome: entry.outcome,
                    prev: entry.prev
                ),
                AuditChainEntry(
                    seq: entry.seq,
                    at: entry.at + " ",
                    action: entry.action,
                    subject: entry.subject,
                    outcome: entry.outcome,
                    prev: entry.prev
                ),
                AuditChainEntry(
                    seq: entry.seq,
                    at: entry.at,
                    action: entry.action,
                    subject: entry.subject,
                    outcome: "failed",
                    prev: entry.prev
                ),
            ]
            for change in changes {
                var changed = entries
                changed[index] = change
                // A change of the last entry shows in the head alone.
                #expect((try? follow(changed)) != head)
                if index < entries.count - 1 {
                    #expect(throws: AuditChainFault.broken(after: Int64(index) + 1)) { try follow(changed) }
                }
            }
        }
    }

    @Test("a chain goes on from a stored head, whatever the texts are")
    func texts() throws {
        var head = AuditChainHead.empty
        var entries: [AuditChainEntry] = []
        for text in ["", "a/b", "\"\\\n\u{0}", "Zoë 🚀", String(repeating: "x", count: 10_000)] {
            entries.append(head.next(at: text, action: text, subject: text, outcome: text))
            head = try AuditChainHead(seq: head.seq, hash: head.hash).following(try #require(entries.last))
            let read = try JSONDecoder().decode(AuditChainEntry.self, from: Data(try #require(entries.last).canonical))
            #expect(read == entries.last)
        }
        #expect(try follow(entries) == head)
    }

    @Test("pseudonyms tell people apart and do not name them")
    func pseudonyms() {
        let (ours, theirs) = (AuditPseudonyms(key: [UInt8](1...32)), AuditPseudonyms(key: [UInt8](2...33)))
        #expect(ours.pseudonym(of: "google_1") == ours.pseudonym(of: "google_1"))
        #expect(ours.pseudonym(of: "google_1") != ours.pseudonym(of: "google_2"))
        #expect(ours.pseudonym(of: "google_1") != theirs.pseudonym(of: "google_1"))
        #expect("\(ours)" == "[redacted]")
    }
}
