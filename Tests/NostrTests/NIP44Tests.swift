// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import LightningPrimitives
import Secp256k1
import Testing

@testable import Nostr

@Suite("NIP-44 encryption")
struct NIP44Tests {
    struct File: Decodable {
        struct Conversation: Decodable, Sendable { let sec1, pub2: String, conversation_key: String? }
        struct MessageKeyFile: Decodable, Sendable {
            struct Entry: Decodable, Sendable { let nonce, chacha_key, chacha_nonce, hmac_key: String }
            let conversation_key: String
            let keys: [Entry]
        }
        struct Message: Decodable, Sendable {
            let sec1, sec2, conversation_key, nonce, plaintext, payload: String
        }
        struct Long: Decodable, Sendable {
            let conversation_key, nonce, pattern, plaintext_sha256, payload_sha256: String
            let `repeat`: Int
        }
        struct Bad: Decodable, Sendable, CustomTestStringConvertible {
            let conversation_key, payload, note: String
            var testDescription: String { note }
        }
        struct Valid: Decodable, Sendable {
            let get_conversation_key: [Conversation]
            let get_message_keys: MessageKeyFile
            let calc_padded_len: [[Int]]
            let encrypt_decrypt: [Message]
            let encrypt_decrypt_long_msg: [Long]
        }
        struct Invalid: Decodable, Sendable {
            let encrypt_msg_lengths: [Int]
            let get_conversation_key: [Conversation]
            let decrypt: [Bad]
        }
        struct Version2: Decodable, Sendable {
            let valid: Valid
            let invalid: Invalid
        }
        let v2: Version2
    }

    struct ExtendedFile: Decodable {
        struct Case: Decodable, Sendable {
            let plaintext_len, prefix_bytes, padded_len: Int
            let plaintext_sha256, payload_sha256: String
        }
        let conversation_key, nonce: String
        let cases: [Case]
    }

    static let vectors = Vectors.load("nip44.vectors", as: File.self).v2
    static let extended = Vectors.load("nip44-extended", as: ExtendedFile.self)

    private func conversation(_ hex: String, limit: Int = NIP44.shortLimit) throws -> NIP44 {
        NIP44(conversationKey: SymmetricKey(data: try unhex(hex)), limit: limit)
    }

    private func digest(_ bytes: [UInt8]) -> String { Hex.encode(Array(SHA256.hash(data: bytes))) }

    @Test("conversation keys are those of the vectors, and bad keys make none")
    func conversationKeys() throws {
        #expect(Self.vectors.valid.get_conversation_key.count == 35)
        for vector in Self.vectors.valid.get_conversation_key {
            let secret = try #require(SecretKey(try unhex(vector.sec1)))
            let key = try #require(NostrKey(hex: vector.pub2))
            let conversation = try #require(NIP44(secret, with: key))
            #expect(Hex.encode(conversation.keyBytes) == vector.conversation_key)
        }
        for vector in Self.vectors.invalid.get_conversation_key {
            let key = try #require(NostrKey(hex: vector.pub2))
            let secret = SecretKey(try unhex(vector.sec1))
            #expect(secret.flatMap { NIP44($0, with: key) } == nil)
        }
    }

    @Test("message keys are those of the vectors")
    func messageKeys() throws {
        let vector = Self.vectors.valid.get_message_keys
        let key = SymmetricKey(data: try unhex(vector.conversation_key))
        for entry in vector.keys {
            let keys = MessageKeys(key, nonce: try unhex(entry.nonce))
            #expect(Hex.encode(keys.cipherKey) == entry.chacha_key)
            #expect(Hex.encode(keys.cipherNonce) == entry.chacha_nonce)
            #expect(Hex.encode(keys.macKey) == entry.hmac_key)
        }
    }

    @Test("texts are padded to the sizes of the vectors")
    func padding() {
        for pair in Self.vectors.valid.calc_padded_len { #expect(Padding.paddedCount(pair[0]) == pair[1]) }
        #expect((1...5000).allSatisfy { Padding.paddedCount($0) >= max($0, 32) })
    }

    @Test("payloads are those of the vectors, in both directions")
    func payloads() throws {
        for vector in Self.vectors.valid.encrypt_decrypt {
            let first = try #require(SecretKey(try unhex(vector.sec1)))
            let second = try #require(SecretKey(try unhex(vector.sec2)))
            let there = try #require(NIP44(first, with: NostrKey(second)))
            let back = try #require(NIP44(second, with: NostrKey(first)))
            #expect(Hex.encode(there.keyBytes) == vector.conversation_key)
            let nonce = try unhex(vector.nonce)
            #expect(try there.encrypt(Array(vector.plaintext.utf8), nonce: nonce) == vector.payload)
            #expect(try back.decrypt(vector.payload) == Array(vector.plaintext.utf8))
        }
    }

    @Test("long texts are encrypted as the vectors say")
    func longTexts() throws {
        for vector in Self.vectors.valid.encrypt_decrypt_long_msg {
            let conversation = try conversation(vector.conversation_key)
            let plaintext = Array(String(repeating: vector.pattern, count: vector.repeat).utf8)
            #expect(digest(plaintext) == vector.plaintext_sha256)
            let payload = try conversation.encrypt(plaintext, nonce: try unhex(vector.nonce))
            #expect(digest(Array(payload.utf8)) == vector.payload_sha256)
            #expect(try conversation.decrypt(payload) == plaintext)
        }
    }

    @Test("texts beyond 65535 bytes have the extended length when they are allowed")
    func extendedLengths() throws {
        for vector in Self.extended.cases {
            let conversation = try conversation(Self.extended.conversation_key, limit: 1 << 20)
            let plaintext = [UInt8](repeating: 0x61, count: vector.plaintext_len)
            #expect(digest(plaintext) == vector.plaintext_sha256)
            #expect(Padding.paddedCount(vector.plaintext_len) == vector.padded_len)
            #expect(Padding.pad(plaintext).count == vector.prefix_bytes + vector.padded_len)
            let payload = try conversation.encrypt(plaintext, nonce: try unhex(Self.extended.nonce))
            #expect(digest(Array(payload.utf8)) == vector.payload_sha256)
            #expect(try conversation.decrypt(payload) == plaintext)
            if vector.prefix_bytes > 2 {
                let short = try self.conversation(Self.extended.conversation_key)
                #expect(throws: NIP44Error.self) { try short.decrypt(payload) }
            }
        }
    }

    @Test("texts of a forbidden length are not encrypted")
    func lengths() throws {
        let conversation = try conversation(Self.extended.conversation_key)
        for count in Self.vectors.invalid.encrypt_msg_lengths {
            #expect(throws: NIP44Error.badLength) { try conversation.encrypt([UInt8](repeating: 1, count: count)) }
        }
    }

    @Test("bad payloads of the vectors are refused for their reason", arguments: vectors.invalid.decrypt)
    func badPayloads(_ vector: File.Bad) throws {
        let conversation = try conversation(vector.conversation_key)
        let error = try #require(throws: NIP44Error.self) { try conversation.decrypt(vector.payload) }
        let expected: NIP44Error =
            if vector.note.contains("version") {
                .unknownVersion
            } else if vector.note.contains("MAC") {
                .badMAC
            } else if vector.note.contains("padding") {
                .badPadding
            } else {
                .malformed
            }
        #expect(error == expected)
    }

    @Test("no truncated payload and no flipped bit is decrypted")
    func changes() throws {
        let conversation = try conversation(Self.extended.conversation_key)
        let payload = try conversation.encrypt(Array("secret".utf8))
        let bytes = try #require(Base64.decode(payload))
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: NIP44Error.self) { try conversation.decrypt(Base64.encode(changed)) }
        }
        for count in 0..<bytes.count {
            #expect(throws: NIP44Error.self) { try conversation.decrypt(Base64.encode(bytes.prefix(count))) }
        }
        let again = try conversation.encrypt(Array("secret".utf8))
        #expect(again != payload)
    }
}
