// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A channel's place in the chain: block height, transaction index and output index (BOLT 7).
public struct ShortChannelID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// `block << 40 | transaction << 16 | output`.
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Height of the block that holds the funding transaction, 24 bits.
    public var blockHeight: UInt32 { UInt32(rawValue >> 40) }

    /// Index of the transaction within the block, 24 bits.
    public var transactionIndex: UInt32 { UInt32(rawValue >> 16 & 0xFF_FFFF) }

    /// Index of the funding output, 16 bits.
    public var outputIndex: UInt16 { UInt16(rawValue & 0xFFFF) }

    /// The text form of BOLT 7, such as `539268x845x1`.
    public var description: String { "\(blockHeight)x\(transactionIndex)x\(outputIndex)" }

    public static func < (left: ShortChannelID, right: ShortChannelID) -> Bool { left.rawValue < right.rawValue }
}
