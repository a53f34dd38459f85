// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Testing

@testable import RoughtimeKeys

@Suite("The encrypted backup")
struct SeedBackupTests {
    let seed: [UInt8] = Array(33...64)
    let key = Curve25519.KeyAgreement.PrivateKey()

    private func backup() throws -> SeedBackup {
        try SeedBackup(of: try LongTermSeed(copying: seed), to: key.publicKey)
    }

    private func code(_ body: () throws -> Void) -> RoughtimeKeyError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RoughtimeKeyError)?.code
        }
    }

    @Test("opens with the private key, from its file as well")
    func roundtrip() throws {
        let scratch = try Scratch()
        let backup = try backup()
        try backup.write(to: "\(scratch.path)/backup")
        #expect(scratch.mode("backup") == 0o600)
        let read = try SeedBackup(file: "\(scratch.path)/backup")
        #expect(read == backup)
        let opened = try read.open(with: key)
        #expect(opened.withBytes { Array($0) } == seed)
    }

    @Test("does not hold the seed in the clear and is another each time")
    func secrecy() throws {
        let (one, two) = (try backup(), try backup())
        #expect(one.ciphertext != two.ciphertext && one.encapsulatedKey != two.encapsulatedKey)
        #expect(!String(decoding: try one.encoded(), as: UTF8.self).contains(Hex.encode(seed)))
    }

    @Test("does not open with another key")
    func wrongKey() throws {
        let backup = try backup()
        #expect(code { _ = try backup.open(with: Curve25519.KeyAgreement.PrivateKey()) } == .mismatch)
    }

    @Test("does not open when any one bit is altered")
    func tampering() throws {
        let bytes = try backup().encoded()
        var opened = 0
        for index in bytes.indices {
            for bit in 0..<8 {
                var wrong = bytes
                wrong[index] ^= 1 << bit
                if code({ _ = try SeedBackup(parsing: wrong).open(with: key) }) == nil { opened += 1 }
            }
        }
        #expect(opened == 0)
    }

    @Test("is refused when cut short, extended or random")
    func garbage() throws {
        let bytes = try backup().encoded()
        for count in 0..<bytes.count {
            #expect(code { _ = try SeedBackup(parsing: Array(bytes[..<count])) } == .malformed)
        }
        #expect(code { _ = try SeedBackup(parsing: bytes + [32]) } == .malformed)
        for _ in 0..<500 {
            let random = (0..<Int.random(in: 0...600)).map { _ in UInt8.random(in: 0...255) }
            #expect(code { _ = try SeedBackup(parsing: random) } == .malformed)
        }
    }

    @Test("is never overwritten")
    func overwriting() throws {
        let scratch = try Scratch()
        let path = try scratch.file("backup", [1, 2, 3])
        #expect(code { try backup().write(to: path) } == .refused)
        #expect(try scratch.content("backup") == [1, 2, 3])
        #expect(scratch.names == ["backup"])
    }

    @Test("tells the two halves of a backup key apart")
    func keyTexts() throws {
        let scratch = try Scratch()
        try BackupKey.write(key, to: "\(scratch.path)/key")
        #expect(scratch.mode("key") == 0o400)
        let read = try BackupKey.privateKey(file: "\(scratch.path)/key")
        #expect(read.rawRepresentation == key.rawRepresentation)
        let publicText = BackupKey.text(of: key.publicKey)
        #expect(try BackupKey.publicKey(parsing: publicText).rawRepresentation == key.publicKey.rawRepresentation)
        #expect(code { _ = try BackupKey.publicKey(parsing: BackupKey.text(of: key)) } == .refused)
        #expect(code { _ = try BackupKey.privateKey(parsing: publicText) } == .malformed)
        #expect(code { _ = try BackupKey.publicKey(parsing: String(publicText.dropLast())) } == .malformed)
        #expect(code { try BackupKey.write(key, to: "\(scratch.path)/key") } == .refused)
        #expect(code { _ = try BackupKey.privateKey(file: "\(scratch.path)/absent") } == .missing)
    }
}
