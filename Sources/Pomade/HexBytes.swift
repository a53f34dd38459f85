// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// Bytes of a fixed number, in hexadecimal on the wire: either case is read, lower case is written.
public struct HexBytes<let count: Int>: Sendable, Hashable, Codable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// Takes exactly so many bytes; `nil` for another number.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == count else { return nil }
        self.bytes = bytes
    }

    /// Takes bytes whose number is certain.
    package init(certain bytes: [UInt8]) {
        precondition(bytes.count == count, "so many bytes were certain")
        self.bytes = bytes
    }

    /// Draws bytes from the system's generator.
    public static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 7)
        // Eight at a time: every number is a call of the system.
        while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
        return Self(certain: Array(bytes.prefix(count)))
    }

    /// Reads hexadecimal of either case.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(hex: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "expected \(count) bytes in hexadecimal")
            )
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public var description: String { Hex.encode(bytes) }
}

public typealias Hex32 = HexBytes<32>
public typealias Hex33 = HexBytes<33>
