// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The name of a value in a Roughtime message: one to four letters, the first in the low byte (RFC 10049, section 4.1).
public struct Tag: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static let signature = Tag(rawValue: 0x0047_4953)
    public static let version = Tag(rawValue: 0x0052_4556)
    public static let server = Tag(rawValue: 0x0056_5253)
    /// Padding of the drafts 01 to 07.
    public static let paddingOfDrafts = Tag(rawValue: 0x0044_4150)
    public static let nonce = Tag(rawValue: 0x434e_4f4e)
    public static let delegation = Tag(rawValue: 0x454c_4544)
    public static let type = Tag(rawValue: 0x4550_5954)
    public static let path = Tag(rawValue: 0x4854_4150)
    public static let radius = Tag(rawValue: 0x4944_4152)
    public static let publicKey = Tag(rawValue: 0x4b42_5550)
    public static let midpoint = Tag(rawValue: 0x5044_494d)
    public static let signedResponse = Tag(rawValue: 0x5045_5253)
    public static let versions = Tag(rawValue: 0x5352_4556)
    public static let notBefore = Tag(rawValue: 0x544e_494d)
    public static let root = Tag(rawValue: 0x544f_4f52)
    public static let certificate = Tag(rawValue: 0x5452_4543)
    public static let notAfter = Tag(rawValue: 0x5458_414d)
    public static let index = Tag(rawValue: 0x5844_4e49)
    /// Padding from draft 08 on.
    public static let padding = Tag(rawValue: 0x5a5a_5a5a)
    /// Padding of Google's version.
    public static let paddingOfGoogle = Tag(rawValue: 0xff44_4150)

    public static func < (left: Tag, right: Tag) -> Bool { left.rawValue < right.rawValue }

    public var description: String {
        let bytes = (0..<4).map { UInt8(truncatingIfNeeded: rawValue >> ($0 * 8)) }
        guard bytes.allSatisfy({ $0 == 0 || (0x21...0x7e).contains($0) }) else {
            return "0x" + String(rawValue, radix: 16)
        }
        return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
    }
}
