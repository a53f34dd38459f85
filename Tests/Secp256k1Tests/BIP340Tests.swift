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
        #expect("\(SecretKey.random())" == "[redacted]")
        #expect(PublicKey([UInt8](repeating: 2, count: 32)) == nil)
    }
}
