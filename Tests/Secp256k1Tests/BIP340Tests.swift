// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Secp256k1
import Testing

@Suite("secp256k1")
struct Secp256k1Tests {
    struct Row: Sendable, CustomTestStringConvertible {
        let fields: [String]
        var testDescription: String { "\(fields[0]) \(fields[7])" }
        func bytes(_ index: Int) -> [UInt8] { Hex.decode(fields[index]) ?? [] }

        static func load() -> [Row] {
            guard let url = Bundle.module.url(forResource: "bip340", withExtension: "csv", subdirectory: "Vectors"),
                let text = try? String(contentsOf: url, encoding: .utf8)
            else { preconditionFailure("the vectors are part of the test bundle") }
            return text.split(whereSeparator: \.isNewline).dropFirst()
                .map { Row(fields: $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)) }
        }
    }

    @Test("all 19 vectors of BIP 340 are there")
    func complete() {
        #expect(Row.load().map { Int($0.fields[0]) } == Array(0..<19))
    }

    @Test("no changed bit of a Schnorr signature or its message verifies")
    func bitFlips() throws {
        let key = SecretKey.random()
        let verifier = try #require(XOnlyPublicKey(key.publicKey.xOnly))
        let message = Array("what was paid for".utf8)
        let signature = key.signSchnorr(message)
        #expect(verifier.verifies(signature, over: message))
        for bit in 0..<512 {
            var changed = signature
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!verifier.verifies(changed, over: message))
        }
        for bit in 0..<message.count * 8 {
            var changed = message
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!verifier.verifies(signature, over: changed))
        }
        for size in [0, 63, 65] { #expect(!verifier.verifies([UInt8](repeating: 1, count: size), over: message)) }
    }

    @Test("BIP 340 vectors sign and verify", arguments: Row.load())
    func bip340(row: Row) throws {
        let message = row.bytes(4)
        if !row.fields[1].isEmpty {
            let key = try #require(SecretKey(row.bytes(1)))
            #expect(key.publicKey.xOnly == row.bytes(2))
            #expect(key.signSchnorr(message, auxiliary: row.bytes(3)) == row.bytes(5))
        }
        let isValid = XOnlyPublicKey(row.bytes(2))?.verifies(row.bytes(5), over: message) ?? false
        #expect(isValid == (row.fields[6] == "TRUE"))
    }

    @Test("a recoverable signature gives its signer back, and verifies only over its own hash")
    func recovery() throws {
        let key = SecretKey.random()
        let hash = [UInt8](repeating: 9, count: 32)
        let signature = key.signRecoverably(hash: hash)
        #expect(signature.recoverPublicKey(hash: hash) == key.publicKey)
        #expect(key.publicKey.verifiesECDSA(signature.compact, hash: hash))
        #expect(!key.publicKey.verifiesECDSA(signature.compact, hash: [UInt8](repeating: 8, count: 32)))
        #expect(key.signRecoverably(hash: hash) == signature, "RFC 6979 is deterministic")
    }

    @Test("zero, the group order and short keys are not secrets; a secret does not print itself")
    func secrets() throws {
        #expect(SecretKey([UInt8](repeating: 0, count: 32)) == nil)
        let order = Hex.decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141") ?? []
        #expect(SecretKey(order) == nil)
        #expect(SecretKey([1, 2, 3]) == nil)
        let secret = SecretKey.random()
        #expect("\(secret)" == "[redacted]")
        for text in [String(reflecting: secret), "\([secret])", "\((secret, 1))"] {
            #expect(text.contains("[redacted]"))
        }
        var dumped = ""
        dump([secret], to: &dumped)
        #expect(dumped.contains("[redacted]") && !dumped.contains("32 elements"))
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(PublicKey([UInt8](repeating: 2, count: 32)) == nil)
    }
}
