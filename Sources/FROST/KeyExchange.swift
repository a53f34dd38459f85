// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// One signer's part of a Diffie-Hellman exchange between the group and another key.
public struct ExchangePart: Sendable, Equatable {
    public let identifier: Identifier
    public let point: Point

    public init(identifier: Identifier, point: Point) {
        self.identifier = identifier
        self.point = point
    }
}

extension ThresholdGroup {
    /// Multiplies another key by this share's part of the group's secret, in constant time.
    ///
    /// - Parameters:
    ///   - members: all who give a part, at least ``threshold``, with this share's participant among them.
    ///   - other: the other side's key. The base point is refused: it would be answered with the public key.
    public func exchangePart(
        with other: Point,
        share: KeyShare,
        members: [Identifier]
    ) throws(FROSTError) -> ExchangePart {
        try requireQuorum(members)
        try requireOwn(share)
        guard members.contains(share.identifier) else { throw .missingIdentifier(share.identifier) }
        guard other.xOnly != Point.generator.xOnly else { throw .invalidRequest }
        let factor = Interpolation.weight(of: share.identifier, among: members) * share.secret
        guard let point = other.multiplied(bySecret: factor) else { throw .invalidShare(share.identifier) }
        return ExchangePart(identifier: share.identifier, point: point)
    }

    /// Adds up the parts of all members into the point that both sides share.
    public func sharedPoint(from parts: [ExchangePart]) throws(FROSTError) -> Point {
        try requireQuorum(parts.map(\.identifier))
        guard let sum = Point.sum(parts.map(\.point)) else { throw .zeroKey }
        return sum
    }
}
