// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Testing

@testable import KeyShares

@Suite("Public keys of wallets")
struct WalletPublicKeyTests {
    @Test("keys of fresh wallets are read, and keys of the other curve are not")
    func valid() throws {
        for _ in 0..<20 {
            let ed = Array(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation)
            #expect(try WalletPublicKey(.ed25519, ed).bytes == ed)
            #expect(throws: KeyShareError.publicKeyLength(.secp256k1)) { try WalletPublicKey(.secp256k1, ed) }
        }
        let dealing = try ShareDealing(
            splitting: ShareCurve.secp256k1.secret,
            threshold: 2,
            among: ShareCurve.secp256k1.nodes(2)
        )
        let secp = dealing.commitments.points[0]
        #expect(try WalletPublicKey(.secp256k1, secp).bytes == secp)
        #expect(throws: KeyShareError.publicKeyLength(.ed25519)) { try WalletPublicKey(.ed25519, secp) }
    }

    @Test(
        "points of small order of ed25519 are nobody's key",
        arguments: [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            // Not below the field's prime.
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ]
    )
    func smallOrder(_ text: String) throws {
        let bytes = try #require(Hex.decode(text))
        #expect(throws: KeyShareError.publicKeyInvalid(.ed25519)) { try WalletPublicKey(.ed25519, bytes) }
    }

    @Test(
        "bytes that encode no point of secp256k1 are refused",
        arguments: [
            // x is not on the curve, x is not below the prime, and marks other than 2 and 3.
            "020000000000000000000000000000000000000000000000000000000000000005",
            "02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
            "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            "0079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        ]
    )
    func noPoint(_ text: String) throws {
        let bytes = try #require(Hex.decode(text))
        #expect(throws: KeyShareError.publicKeyInvalid(.secp256k1)) { try WalletPublicKey(.secp256k1, bytes) }
    }

    @Test("random bytes of any length neither crash nor pass as something else", arguments: ShareCurve.allCases)
    func fuzz(_ curve: ShareCurve) {
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...70)).map { _ in UInt8.random(in: .min ... .max) }
            if let key = try? WalletPublicKey(curve, bytes) { #expect(key.bytes == bytes) }
            if let share = try? ShamirShare(curve, bytes) {
                #expect(share.bytes == bytes)
                #expect(share.verifyingShare.count == curve.publicKeyCount)
            }
            if let delta = try? ShareDelta(curve, bytes) { #expect(delta.bytes == bytes) }
            _ = try? ShareCommitments(curve, points: [bytes, bytes])
        }
    }
}
