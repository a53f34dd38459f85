// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why bytes are no Roughtime message or frame (RFC 10049, sections 4 and 5).
public enum MessageError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAligned
    case tooShort
    /// The number of pairs is zero or above ``MessageScanner/maximumTags``.
    case tagCount(UInt32)
    case offset(UInt32)
    case tagOrder(Tag)
    case frameMagic
    case frameLength

    public var description: String {
        switch self {
        case .notAligned: "the length of the message is not a multiple of 4"
        case .tooShort: "the message ends within its header"
        case .tagCount(let count): "the message states \(count) tags; 1 to \(MessageScanner.maximumTags) are allowed"
        case .offset(let offset): "the offset \(offset) is not a multiple of 4, runs backwards or lies beyond the end"
        case .tagOrder(let tag): "the tag \(tag) is not above the one before it"
        case .frameMagic: "the packet does not begin with ROUGHTIM"
        case .frameLength: "the length in the frame is not the length of the message"
        }
    }
}
