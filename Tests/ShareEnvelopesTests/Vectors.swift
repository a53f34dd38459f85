// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import KeyShares
import Testing

@testable import ShareEnvelopes

/// Bytes written in hexadecimal.
struct HexText: Decodable, Hashable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        bytes = try #require(Hex.decode(try decoder.singleValueContainer().decode(String.self)))
    }
}

enum Vectors {
    static func load<Content: Decodable>(_ name: String) -> Content? {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let data = try? Data(contentsOf: folder.appending(path: name + ".json"))
        else { return nil }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do { return try decoder.decode(Content.self, from: data) } catch {
            Issue.record(error)
            return nil
        }
    }
}

extension ShareEnvelope {
    init(sealing plain: [UInt8], for row: EnvelopeRow, with ring: EnvelopeKeyRing) throws {
        self = try plain.withUnsafeBytes { try ShareEnvelope(sealing: $0, for: row, with: ring) }
    }

    func opened(for row: EnvelopeRow, with ring: EnvelopeKeyRing) throws(EnvelopeError) -> [UInt8] {
        try withOpened(for: row, with: ring) { Array($0) }
    }
}
