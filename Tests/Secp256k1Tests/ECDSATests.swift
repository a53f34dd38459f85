// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Secp256k1
import Testing

@Suite("ECDSA and its hostile inputs")
struct ECDSATests {
    private static let order = Hex.decode("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141") ?? []
    private let hash = [UInt8](repeating: 9, count: 32)

    /// The other signature of the same message: S becomes n - S, and the recovery id changes its parity.
    private func mirrored(_ signature: RecoverableSignature) throws -> RecoverableSignature {
        var difference = [UInt8](repeating: 0, count: 32)
        var borrow = 0
        for index in (0..<32).reversed() {
            let value = Int(Self.order[index]) - Int(signature.compact[32 + index]) - borrow
            borrow = value < 0 ? 1 : 0
            difference[index] = UInt8(value < 0 ? value + 256 : value)
        }
        let compact = Array(signature.compact[..<32]) + difference
        return try #require(RecoverableSignature(compact: compact, recoveryID: signature.recoveryID ^ 1))
    }

    @Test("a high S is never made, never verified, and still names its signer")
    func highS() throws {
        for _ in 0..<64 {
            let key = SecretKey.random()
            let signature = key.signRecoverably(hash: hash)
            #expect(!signature.hasHighS)
            let high = try mirrored(signature)
            #expect(high.hasHighS)
            #expect(!key.publicKey.verifiesECDSA(high.compact, hash: hash))
            #expect(high.recoverPublicKey(hash: hash) == key.publicKey)
            #expect(try mirrored(high) == signature)
        }
    }

    @Test("no changed bit of a signature verifies, or recovers the signer")
    func bitFlips() throws {
        let key = SecretKey.random()
        let signature = key.signRecoverably(hash: hash)
        for bit in 0..<512 {
            var compact = signature.compact
            compact[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(!key.publicKey.verifiesECDSA(compact, hash: hash))
            let changed = try #require(RecoverableSignature(compact: compact, recoveryID: signature.recoveryID))
            #expect(changed.recoverPublicKey(hash: hash) != key.publicKey)
        }
    }

    @Test("signatures and hashes of a wrong size are refused, not read")
    func sizes() throws {
        let key = SecretKey.random()
        let signature = key.signRecoverably(hash: hash)
        for size in [0, 1, 31, 33, 63, 65] {
            let bytes = [UInt8](repeating: 1, count: size)
            #expect(RecoverableSignature(compact: bytes, recoveryID: 0) == nil)
            #expect(!key.publicKey.verifiesECDSA(bytes, hash: hash))
            #expect(!key.publicKey.verifiesECDSA(signature.compact, hash: bytes))
            #expect(signature.recoverPublicKey(hash: bytes) == nil)
        }
        #expect(RecoverableSignature(compact: signature.compact, recoveryID: 4) == nil)
    }

    @Test("zero and too large scalars in a signature verify nothing and recover nobody")
    func scalars() throws {
        let key = SecretKey.random()
        let zero = [UInt8](repeating: 0, count: 32)
        let one = [UInt8](repeating: 0, count: 31) + [1]
        let tooLarge = [UInt8](repeating: 0xFF, count: 32)
        for (r, s) in [(zero, one), (one, zero), (Self.order, one), (one, Self.order), (tooLarge, tooLarge)] {
            #expect(!key.publicKey.verifiesECDSA(r + s, hash: hash))
            for id in 0..<4 as Range<UInt8> {
                let signature = try #require(RecoverableSignature(compact: r + s, recoveryID: id))
                #expect(signature.recoverPublicKey(hash: hash) != key.publicKey)
            }
        }
    }

    @Test("a point is read in both forms, and written compressed")
    func points() throws {
        let key = SecretKey.random().publicKey
        #expect(PublicKey(key.compressed) == key)
        #expect(key.description == Hex.encode(key.compressed))
        // The generator (SEC 2, section 2.4.1), uncompressed.
        let x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        let y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
        let generator = try #require(Hex.decode("04" + x + y).flatMap { PublicKey($0) })
        let one = try #require(SecretKey([UInt8](repeating: 0, count: 31) + [1]))
        #expect(generator == one.publicKey)
        #expect(generator.description == "02" + x)
        #expect(PublicKey(Hex.decode("04" + x + x) ?? []) == nil)
        #expect(PublicKey([UInt8]()) == nil)
    }
}
