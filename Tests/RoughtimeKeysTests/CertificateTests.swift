// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Roughtime
import Testing

@testable import RoughtimeKeys

@Suite("Requests and certificates")
struct CertificateTests {
    private let now: Int64 = 1_800_000_000
    private let online = Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
    private let seed: [UInt8] = Array(1...32)

    private func code(_ body: () throws -> Void) -> RoughtimeKeyError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RoughtimeKeyError)?.code
        }
    }

    private func set(_ profiles: [DelegationProfile] = DelegationProfile.allCases) throws -> CertificateSet {
        try CertificateSet(
            for: try CertificateRequest(publicKey: online, profiles: profiles, created: now),
            window: now - 600...now + 3600,
            seed: try LongTermSeed(copying: seed)
        )
    }

    @Test("a request reads back as what was written, in one form only")
    func requestRoundtrip() throws {
        let scratch = try Scratch()
        for profiles in [DelegationProfile.allCases, [.rfc10049], [.rfc10049, .google, .google]] {
            let request = try CertificateRequest(publicKey: online, profiles: profiles, created: now)
            try request.write(to: "\(scratch.path)/request.json")
            #expect(scratch.mode("request.json") == 0o640)
            #expect(scratch.names == ["request.json"])
            #expect(try CertificateRequest(file: "\(scratch.path)/request.json") == request)
            #expect(request.profiles == DelegationProfile.allCases.filter(profiles.contains))
        }
    }

    @Test("a request that names its long-term key is signed by that key only, and keeps the name")
    func expectedKey() throws {
        let key = try LongTermSeed(copying: seed).publicKey()
        let request = try CertificateRequest(publicKey: online, created: now, longTermPublicKey: key)
        #expect(try CertificateRequest(parsing: request.encoded()) == request)
        let signed = try CertificateSet(
            for: request,
            window: now - 600...now + 3600,
            seed: try LongTermSeed(copying: seed)
        )
        #expect(signed.answers(request))
        let another = code {
            _ = try CertificateSet(for: request, window: now - 600...now + 3600, seed: try LongTermSeed.random())
        }
        #expect(another == .mismatch)
    }

    @Test("a request without a profile, with a short key or of before 1970 is none")
    func badRequests() {
        #expect(code { _ = try CertificateRequest(publicKey: online, profiles: [], created: now) } == .malformed)
        #expect(code { _ = try CertificateRequest(publicKey: Array(online.dropLast()), created: now) } == .malformed)
        #expect(code { _ = try CertificateRequest(publicKey: online, created: -1) } == .malformed)
    }

    @Test("a request in any other spelling is refused")
    func requestSpellings() throws {
        let bytes = try CertificateRequest(publicKey: online, profiles: [.google, .rfc10049], created: now).encoded()
        let text = String(decoding: bytes, as: UTF8.self)
        let variants = [
            text.replacing("\"v\" : 1", with: "\"v\" : 1.0"), text.replacing("\"v\" : 1", with: "\"v\" : 2"),
            text.replacing("\"v\" : 1", with: "\"v\" : 1,\n  \"w\" : 1"),
            text.replacing("\"v\" : 1", with: "\"v\" : 1,\n  \"v\" : 1"), text + "\n", "\u{feff}" + text,
            String(text.dropLast()), text.replacing("rfc10049", with: "google"),
            text.replacing("rfc10049", with: "rfc10050"), text.replacing("-request", with: "-certificates"),
            text.replacing(" : ", with: ":"),
        ]
        for variant in variants {
            #expect(variant != text)
            #expect(code { _ = try CertificateRequest(parsing: Array(variant.utf8)) } == .malformed)
        }
    }

    @Test("no damaged request is taken for another one, and none crashes the reader")
    func requestDamage() throws {
        let bytes = try CertificateRequest(publicKey: online, created: now).encoded()
        for count in 0..<bytes.count {
            #expect(code { _ = try CertificateRequest(parsing: Array(bytes[..<count])) } == .malformed)
        }
        for index in bytes.indices {
            for bit in 0..<8 {
                var wrong = bytes
                wrong[index] ^= 1 << bit
                // A flipped digit is another request; whatever is read writes as the same.
                if let read = try? CertificateRequest(parsing: wrong) { #expect(try read.encoded() == wrong) }
            }
        }
        for _ in 0..<1000 {
            let random = (0..<Int.random(in: 0...400)).map { _ in UInt8.random(in: 0...255) }
            #expect(code { _ = try CertificateRequest(parsing: random) } == .malformed)
        }
        let nested = Array(String(repeating: "[", count: 4000).utf8)
        #expect(code { _ = try CertificateRequest(parsing: nested) } == .malformed)
        #expect(code { _ = try CertificateRequest(parsing: [UInt8](repeating: 32, count: 5000)) } == .malformed)
    }

    @Test("a certificate set answers its request in every form, and reads back")
    func setRoundtrip() throws {
        let scratch = try Scratch()
        let set = try set()
        #expect(set.certificates.count == 6)
        for (profile, certificate) in set.certificates {
            let read = try Certificate(
                verifying: certificate.bytes,
                profile: profile,
                longTermPublicKey: try LongTermSeed(copying: seed).publicKey()
            )
            #expect(read.delegation.publicKey == online)
            let start = profile.timeFormat.encode(unixMicroseconds: (now - 600) * 1_000_000)
            let end = profile.timeFormat.encode(unixMicroseconds: (now + 3600) * 1_000_000)
            #expect(read.delegation.notBefore == start && read.delegation.notAfter == end)
        }
        try set.write(to: "\(scratch.path)/set.json")
        #expect(scratch.mode("set.json") == 0o640)
        #expect(try CertificateSet(file: "\(scratch.path)/set.json") == set)
        #expect(set.answers(try CertificateRequest(publicKey: online, created: now)))
        #expect(!set.answers(try CertificateRequest(publicKey: seed, created: now)))
        let one = try self.set([.rfc10049])
        #expect(!one.answers(try CertificateRequest(publicKey: online, created: now)))
        #expect(one.answers(try CertificateRequest(publicKey: online, profiles: [.rfc10049], created: now)))
    }

    @Test("a set of another long-term key is refused by who knows the right one")
    func pinning() throws {
        let set = try set()
        #expect(code { try set.requireSigner(set.longTermPublicKey) } == nil)
        #expect(code { try set.requireSigner(online) } == .mismatch)
        let seed = try LongTermSeed(copying: seed)
        #expect(code { try seed.requirePublicKey(set.longTermPublicKey) } == nil)
        #expect(code { try seed.requirePublicKey(online) } == .mismatch)
    }

    @Test("no altered set is accepted: key, times and signatures belong together")
    func setDamage() throws {
        let bytes = try set([.google, .rfc10049]).encoded()
        for count in 0..<bytes.count {
            #expect(code { _ = try CertificateSet(parsing: Array(bytes[..<count])) } == .malformed)
        }
        for index in bytes.indices {
            var wrong = bytes
            wrong[index] ^= 1 << UInt8.random(in: 0...7)
            #expect(code { _ = try CertificateSet(parsing: wrong) } != nil)
        }
        for _ in 0..<500 {
            let random = (0..<Int.random(in: 0...400)).map { _ in UInt8.random(in: 0...255) }
            #expect(code { _ = try CertificateSet(parsing: random) } == .malformed)
        }
    }

    @Test("certificates are not taken for those of another form")
    func exchangedForms() throws {
        // Both have seconds since 1970; only the words before the signed bytes differ.
        let text = String(decoding: try set([.draft12, .rfc10049]).encoded(), as: UTF8.self)
        let exchanged = text.replacing("draft-12", with: "_").replacing("rfc10049", with: "draft-12")
            .replacing("_", with: "rfc10049")
        let lines = exchanged.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var ordered = lines
        let places = lines.indices.filter { lines[$0].contains("draft-12") || lines[$0].contains("rfc10049") }
        ordered[places[0]] = lines[places[1]] + ","
        ordered[places[1]] = String(lines[places[0]].dropLast())
        let bytes = Array(ordered.joined(separator: "\n").utf8)
        #expect(code { _ = try CertificateSet(parsing: bytes) } == .mismatch)
    }

    @Test("the long-term key is not delegated to itself")
    func selfDelegation() throws {
        let seed = try LongTermSeed(copying: seed)
        let request = try CertificateRequest(publicKey: try seed.publicKey(), created: now)
        #expect(code { _ = try CertificateSet(for: request, window: 0...1, seed: seed) } == .refused)
    }

    @Test("a minting is written down before its certificates exist, and a refused one is not")
    func minting() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/log"
        let seed = try LongTermSeed(copying: seed)
        let policy = try DelegationPolicy(life: 61)
        for count in 1...9 {
            var log = try AuditLog(path)
            let key = Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
            let clock = KernelClock(now: now + Int64(count), isSynchronised: true)
            do {
                let set = try Mint.certificates(
                    for: try CertificateRequest(publicKey: key, created: now),
                    seed: seed,
                    policy: policy,
                    clock: clock,
                    log: &log
                )
                #expect(count <= 8)
                #expect(log.mintings.last?.notAfter == set.window.upperBound)
                #expect(set.window == clock.now - 600...clock.now + 61)
            } catch {
                #expect(count == 9 && error == RoughtimeKeyError(.refused, ""))
            }
        }
        #expect(try scratch.content("log").count { $0 == UInt8(ascii: "\n") } == 8)
    }

    @Test("a log that cannot be written yields no certificates")
    func unwritableLog() throws {
        let scratch = try Scratch()
        #expect(code { _ = try AuditLog("\(scratch.path)/none/log") } == .system)
    }

    @Test("a public key is read in base64 and hexadecimal digits, and nothing else")
    func publicKeys() throws {
        let text = LongTermPublicKey.text(of: online)
        #expect(try LongTermPublicKey.parse(text) == online)
        for wrong in ["", String(text.dropLast()), text + "=", " " + text, String(repeating: "g", count: 64)] {
            #expect(code { _ = try LongTermPublicKey.parse(wrong) } == .malformed)
        }
        let scratch = try Scratch()
        let path = try scratch.file("key", Array((text + "\n").utf8))
        #expect(try LongTermPublicKey.read(path) == online)
    }
}
