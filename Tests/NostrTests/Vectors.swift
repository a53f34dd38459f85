// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Secp256k1
import Testing

@testable import Nostr

/// Published and own vectors, copied beside the tests.
enum Vectors {
    static func load<Content: Decodable>(_ name: String, as type: Content.Type = Content.self) -> Content {
        guard let directory = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let data = try? Data(contentsOf: directory.appending(path: name + ".json")),
            let content = try? JSONDecoder().decode(Content.self, from: data)
        else { preconditionFailure("the vectors are part of the test bundle") }
        return content
    }
}

/// The bytes of a hexadecimal text in a vector.
func unhex(_ text: String) throws -> [UInt8] {
    let bytes = Hex.decode(text)
    return try #require(bytes)
}

/// An event as it stands in a vector file, well formed or not.
struct RawEvent: Codable, Sendable {
    let id, pubkey, content, sig: String
    let created_at: Int64
    let kind: Int
    let tags: [[String]]

    var json: [UInt8] {
        get throws { Array(try JSONEncoder().encode(self)) }
    }
}

/// SplitMix64, so that a failing run can be repeated.
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

enum Samples {
    static let secret: SecretKey = {
        guard let key = SecretKey([UInt8](repeating: 0x5A, count: 32)) else { preconditionFailure("a valid secret") }
        return key
    }()
    static let key = NostrKey(secret)
    static let zeros = [UInt8](repeating: 0, count: 32)

    static func event(tags: [[String]] = [["p", "\u{e9}"], []], content: String = "a \"line\"\n\u{1}") -> NostrEvent {
        UnsignedEvent(key: key, createdAt: 1_770_000_000, kind: 1, tags: tags, content: content).signed(by: secret)
    }
}
