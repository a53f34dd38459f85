// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A version of the protocol as it stands in VER (RFC 10049, section 5.1.1).
public struct Version: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Google's original, which has no number on the wire and never stands in a list.
    public static let google = Version(rawValue: 0)
    /// RFC 10049.
    public static let rfc10049 = Version(rawValue: 1)
    /// Drafts 12 to 19, all under one number.
    public static let draft12 = Version(rawValue: 0x8000_000c)

    /// A draft of the IETF, 1 to 12.
    public static func draft(_ number: Int) -> Version {
        precondition((1...12).contains(number))
        return Version(rawValue: 0x8000_0000 | UInt32(number))
    }

    /// Every version this library speaks: Google's, drafts 01 to 12, the RFC's.
    public static let all: [Version] = [.google, .rfc10049] + (1...12).map(draft)

    /// A dense number: 0 for Google, 1 to 12 for the drafts, 13 for the RFC; nil for what we do not speak.
    @inline(__always)
    var index: Int? {
        switch rawValue {
        case 0: 0
        case 1: 13
        case 0x8000_0001...0x8000_000c: Int(rawValue & 0xff)
        default: nil
        }
    }

    public static func < (left: Version, right: Version) -> Bool { left.rawValue < right.rawValue }

    /// The name in settings, tables and metrics: `google`, `draft-01` … `draft-12`, `1`.
    public var description: String {
        switch rawValue {
        case 0: "google"
        case 1: "1"
        case 0x8000_0001...0x8000_000c:
            "draft-" + (rawValue & 0xff < 10 ? "0" : "") + String(rawValue & 0xff)
        default: "0x" + String(rawValue, radix: 16)
        }
    }

    /// Reads a name as ``description`` writes it, `rfc10049`, `0`, or a number with `0x`.
    public init?(name: String) {
        let name = name.lowercased()
        if name == "0" || name == "google" {
            self = .google
        } else if name == "rfc" || name == "rfc10049" {
            self = .rfc10049
        } else if let known = Version.all.first(where: { $0.description == name }) {
            self = known
        } else if name.hasPrefix("0x"), let value = UInt32(name.dropFirst(2), radix: 16),
            Version(rawValue: value).index != nil
        {
            self = Version(rawValue: value)
        } else {
            return nil
        }
    }
}
