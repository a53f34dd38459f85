// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Secp256k1
import Testing

@testable public import FROST

/// Published vectors, copied beside the tests.
enum Vectors {
    static func load<Content: Decodable>(_ name: String, as type: Content.Type = Content.self) throws -> Content {
        let directory = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let data = try Data(contentsOf: directory.appending(path: name + ".json"))
        return try JSONDecoder().decode(Content.self, from: data)
    }
}

/// Bytes written in hexadecimal.
struct HexBytes: Decodable, Hashable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        bytes = try #require(Hex.decode(text.lowercased()))
    }

    var scalar: Scalar { get throws { try #require(Scalar(bytes)) } }
    var point: Point { get throws { try #require(Point(bytes)) } }
}

extension Identifier: Decodable {
    public init(from decoder: any Decoder) throws {
        let number = try decoder.singleValueContainer().decode(UInt32.self)
        self = try #require(Identifier(number))
    }
}

func identifier(_ number: Int) -> Identifier {
    guard let identifier = Identifier(number) else { preconditionFailure("tests count from 1") }
    return identifier
}
