// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import ReleaseFormat
import Testing

@Suite("Signatures and trusted keys")
struct SignatureTests {
    let fixture: Fixture

    init() throws { fixture = try Fixture() }

    /// The signatures of the keys of these indices.
    func signatures(_ indices: Int...) throws -> ReleaseSignatures {
        var signatures = ReleaseSignatures()
        let manifest = try ReleaseManifest(parsing: fixture.manifest)
        for index in indices { try signatures.add(try fixture.signingKey(index).sign(manifest)) }
        return signatures
    }

    func refusal(_ keys: TrustedKeys, _ signatures: ReleaseSignatures) -> ReleaseError.Code? {
        code { try keys.verify(signatures, manifest: fixture.manifest) }
    }

    @Test("keys and signatures are those of OpenSSL")
    func vectors() throws {
        for (index, key) in fixture.keys.enumerated() {
            let signer = try fixture.signingKey(index)
            #expect(Hex.encode(signer.publicKey.bytes) == key.publicKey)
            #expect(signer.publicKey.id == key.id)
            let line = "ed25519 \(key.id) \(key.signature)\n"
            let signatures = try ReleaseSignatures(parsing: Array(line.utf8))
            #expect(signatures.bytes == Array(line.utf8))
            #expect(try fixture.trusting(index).verify(signatures, manifest: fixture.manifest) == ["key-\(index)"])
        }
    }

    @Test("as many trusted keys as the threshold says must have signed, and others count nothing")
    func threshold() throws {
        let oneOfTwo = try fixture.trusting(0, 1)
        #expect(refusal(oneOfTwo, try signatures(0)) == nil)
        #expect(refusal(oneOfTwo, try signatures(1, 2)) == nil)
        #expect(refusal(oneOfTwo, try signatures(2)) == .untrusted)
        #expect(refusal(oneOfTwo, ReleaseSignatures()) == .untrusted)
        let twoOfThree = try fixture.trusting(0, 1, 2, threshold: 2)
        #expect(refusal(twoOfThree, try signatures(0)) == .untrusted)
        #expect(refusal(twoOfThree, try signatures(0, 0)) == .untrusted)
        #expect(refusal(twoOfThree, try signatures(2, 0)) == nil)
        let twoOfTwo = try fixture.trusting(0, 1, threshold: 2)
        #expect(refusal(twoOfTwo, try signatures(0, 2)) == .untrusted)
    }

    @Test("a signature with any one bit changed, or of another manifest, is refused")
    func tampering() throws {
        let keys = try fixture.trusting(0)
        let text = try signatures(0).bytes
        for index in text.indices {
            for bit in 0..<8 {
                var altered = text
                altered[index] ^= 1 << bit
                guard let signatures = try? ReleaseSignatures(parsing: altered) else { continue }
                #expect(refusal(keys, signatures) == .untrusted, "byte \(index)")
            }
        }
        for index in fixture.manifest.indices {
            var manifest = fixture.manifest
            manifest[index] ^= 1
            #expect(throws: ReleaseError.self) { try keys.verify(try signatures(0), manifest: manifest) }
        }
        // A wrong signature is not outvoted by a right one.
        let wrong = Array("ed25519 \(fixture.keys[1].id) \(fixture.keys[0].signature)\n".utf8)
        var both = try ReleaseSignatures(parsing: wrong)
        try both.add(try #require(try signatures(0).all.first))
        #expect(refusal(try fixture.trusting(0, 1), both) == .untrusted)
    }

    @Test("the signatures' text has one form: sorted, each key once, nothing else")
    func signatureText() throws {
        let lines = try signatures(0, 1).bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        let texts = [
            lines.joined(separator: "\n"), lines.reversed().joined(separator: "\n") + "\n",
            lines[0] + "\n" + lines[0] + "\n",
            lines[0].uppercased() + "\n", lines[0] + "\n\n", " " + lines[0] + "\n", lines[0] + " x\n", "\n",
            lines[0].replacingOccurrences(of: "ed25519", with: "ed448") + "\n", String(lines[0].dropLast(2)) + "\n",
        ]
        for text in texts {
            #expect(code { _ = try ReleaseSignatures(parsing: Array(text.utf8)) } == .malformed, "\(text)")
        }
        #expect(try ReleaseSignatures(parsing: []) == ReleaseSignatures())
        var signatures = try signatures(0)
        for _ in 1..<ReleaseSignatures.countLimit {
            try signatures.add(try ReleaseSigningKey().sign(try ReleaseManifest(parsing: fixture.manifest)))
        }
        #expect(try ReleaseSignatures(parsing: signatures.bytes) == signatures)
        let one = try ReleaseSigningKey().sign(try ReleaseManifest(parsing: fixture.manifest))
        #expect(code { try signatures.add(one) } == .unsuitable)
    }

    @Test("the file of trusted keys has keys, names, comments and a threshold")
    func trustedKeys() throws {
        let (first, second) = (fixture.keys[0].publicKey, fixture.keys[1].publicKey)
        let text = "# ours\n\nthreshold 2 # both\ned25519 \(first) alice\n\ted25519  \(second)\r\n"
        let keys = try TrustedKeys(parsing: Array(text.utf8))
        #expect(keys.threshold == 2 && keys.entries.map(\.name) == ["alice", fixture.keys[1].id])
        let again = keys.entries.map(\.line).joined(separator: "\n")
        #expect(try TrustedKeys(parsing: Array(again.utf8)).entries == keys.entries)
        let line = "ed25519 \(first) a\n"
        let wrong = [
            "", "# nothing\n", "threshold 1\n", line + "threshold 2\n", line + "threshold 0\n", line + "threshold -1\n",
            line + "threshold 1\nthreshold 1\n", line + line, "ed25519 \(first.dropLast(2)) a\n",
            "ed25519 \(first) a b\n",
            "rsa \(first) a\n", line + "nonsense\n",
            String(repeating: "#", count: TrustedKeys.sizeLimit + 1) + "\n" + line,
        ]
        for text in wrong {
            #expect(code { _ = try TrustedKeys(parsing: Array(text.utf8)) } == .malformed, "\(text.prefix(99))")
        }
    }

    @Test("a secret key is read from the text it was saved as, and an error never quotes it")
    func secretKeys() throws {
        let key = try fixture.signingKey(0)
        #expect(try ReleaseSigningKey(text: key.secretText).publicKey == key.publicKey)
        #expect(key.secretText == "assay-release-key-v1 \(fixture.keys[0].seed)\n")
        for text in ["", fixture.keys[0].seed, String(key.secretText.dropLast(2)), key.secretText.uppercased()] {
            do {
                _ = try ReleaseSigningKey(text: text)
                Issue.record("'\(text)' is no key")
            } catch {
                #expect(error.code == .malformed && !error.detail.contains("0101"))
            }
        }
    }
}
