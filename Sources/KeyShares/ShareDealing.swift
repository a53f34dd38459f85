// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension ShamirShare {
    /// The most nodes, and so the highest threshold, of a sharing.
    public static let maximumNodes = 32

    /// Puts the secret together from exactly as many shares as the threshold says.
    ///
    /// Too few shares, or wrong ones, give another secret without a sign of it: compare the public key.
    ///
    /// - Returns: 32 bytes in the curve's order of bytes. Overwrite them after use.
    public static func combine(_ shares: [ShamirShare]) throws(KeyShareError) -> [UInt8] {
        let curve = try curve(of: shares)
        return try curve.withNumbers { numbers throws(KeyShareError) in
            try combine(numbers, shares)
        }
    }

    private static func combine<Number: ShareNumber>(
        _: Number.Type,
        _ shares: [ShamirShare]
    ) throws(KeyShareError) -> [UInt8] {
        try interpolate(shares, at: Number.zero).withBytes { Array($0) }
    }

    /// The share of a node that joins: the polynomial and all other shares stay as they are.
    public static func extend(_ shares: [ShamirShare], to node: NodeIdentifier) throws(KeyShareError) -> ShamirShare {
        guard try curve(of: shares) == node.curve else { throw .mixedShares }
        guard !shares.contains(where: { $0.identifier == node }) else { throw .duplicateNode }
        return try node.curve.withNumbers { numbers throws(KeyShareError) in
            try extend(numbers, shares, to: node)
        }
    }

    private static func extend<Number: ShareNumber>(
        _: Number.Type,
        _ shares: [ShamirShare],
        to node: NodeIdentifier
    ) throws(KeyShareError) -> ShamirShare {
        try ShamirShare(node, interpolate(shares, at: Number(of: node)))
    }

    private static func interpolate<Number: ShareNumber>(
        _ shares: [ShamirShare],
        at x: Number
    ) throws(KeyShareError) -> Number {
        let points = shares.map { (x: Number(of: $0.identifier), y: Number(of: $0)) }
        guard let value = Number.interpolate(points, at: x) else { throw .duplicateNode }
        return value
    }

    private static func curve(of shares: [ShamirShare]) throws(KeyShareError) -> ShareCurve {
        guard let curve = shares.first?.curve, (2...maximumNodes).contains(shares.count) else {
            throw .thresholdOutOfRange
        }
        guard shares.allSatisfy({ $0.curve == curve }) else { throw .mixedShares }
        return curve
    }
}

/// A secret split among nodes, as a client does it.
public struct ShareDealing: Sendable {
    /// In the order of the nodes.
    public let shares: [ShamirShare]
    public let commitments: ShareCommitments

    /// Splits a secret.
    ///
    /// - Parameters:
    ///   - secret: 32 bytes in the curve's order of bytes, from 1 to the group's order minus 1.
    ///   - threshold: how many shares make the secret, 2 to the number of nodes.
    public init(
        splitting secret: [UInt8],
        threshold: Int,
        among nodes: [NodeIdentifier]
    ) throws(KeyShareError) {
        let curve = try Self.curve(of: nodes, threshold: threshold)
        self = try curve.withNumbers { numbers throws(KeyShareError) in
            try Self.deal(numbers, secret, threshold, nodes)
        }
    }

    private static func deal<Number: ShareNumber>(
        _: Number.Type,
        _ secret: [UInt8],
        _ threshold: Int,
        _ nodes: [NodeIdentifier]
    ) throws(KeyShareError) -> ShareDealing {
        guard let constant = Number(wire: secret), !constant.isZero else { throw .shareOutOfRange(nodes[0].curve) }
        return try ShareDealing(coefficients: [constant] + (1..<threshold).map { _ in .random() }, nodes: nodes)
    }

    init<Number: ShareNumber>(coefficients: [Number], nodes: [NodeIdentifier]) throws(KeyShareError) {
        let curve = try Self.curve(of: nodes, threshold: coefficients.count)
        let points = coefficients.compactMap(\.element)
        guard points.count == coefficients.count else { throw .zeroResult }
        commitments = ShareCommitments(curve, hasConstant: true, checked: points.map(\.wire))
        var shares: [ShamirShare] = []
        for node in nodes { shares.append(try ShamirShare(node, Number.value(of: coefficients, at: Number(of: node)))) }
        self.shares = shares
    }

    static func curve(of nodes: [NodeIdentifier], threshold: Int) throws(KeyShareError) -> ShareCurve {
        guard let curve = nodes.first?.curve, threshold >= 2, threshold <= nodes.count,
            nodes.count <= ShamirShare.maximumNodes
        else { throw .thresholdOutOfRange }
        guard nodes.allSatisfy({ $0.curve == curve }) else { throw .mixedShares }
        guard Set(nodes).count == nodes.count else { throw .duplicateNode }
        return curve
    }
}

/// A polynomial in the exponent, with which each node checks its share or what is added to it (Feldman).
public struct ShareCommitments: Sendable, Hashable {
    public let curve: ShareCurve
    /// Whether the first point belongs to the constant; the polynomials of a refresh have none.
    public let hasConstant: Bool
    /// Encoded points, from the lowest degree upwards.
    public let points: [[UInt8]]

    /// How many shares make the secret.
    public var threshold: Int { hasConstant ? points.count : points.count + 1 }

    /// Reads the commitments to a sharing (with a constant) or to a refresh (without).
    ///
    /// - Throws: `.commitmentInvalid`.
    public init(_ curve: ShareCurve, hasConstant: Bool = true, points: [[UInt8]]) throws(KeyShareError) {
        self.init(curve, hasConstant: hasConstant, checked: points)
        guard (2...ShamirShare.maximumNodes).contains(threshold), points.allSatisfy(curve.hasPoint) else {
            throw .commitmentInvalid(curve)
        }
    }

    init(_ curve: ShareCurve, hasConstant: Bool, checked points: [[UInt8]]) {
        self.curve = curve
        self.hasConstant = hasConstant
        self.points = points
    }

    /// Checks that a share lies on the polynomial.
    ///
    /// - Throws: `.commitmentMismatch`.
    public func check(_ share: ShamirShare) throws(KeyShareError) {
        guard hasConstant, share.curve == curve else { throw .commitmentMismatch }
        guard point(at: share.identifier) == share.verifyingShare else { throw .commitmentMismatch }
    }

    /// The commitments to the polynomial after a refresh.
    ///
    /// - Throws: `.commitmentInvalid` when the thresholds differ, `.zeroResult` when a coefficient vanishes.
    public func refreshed(by refresh: ShareCommitments) throws(KeyShareError) -> ShareCommitments {
        guard hasConstant, !refresh.hasConstant, refresh.threshold == threshold, refresh.curve == curve else {
            throw .commitmentInvalid(curve)
        }
        return try curve.withNumbers { numbers throws(KeyShareError) in
            try refreshed(numbers, by: refresh)
        }
    }

    private func refreshed<Number: ShareNumber>(
        _: Number.Type,
        by refresh: ShareCommitments
    ) throws(KeyShareError) -> ShareCommitments {
        var sums = [points[0]]
        for (old, new) in zip(points.dropFirst(), refresh.points) {
            guard let sum = Number.Element.sum([.init(wire: old), .init(wire: new)]) else { throw .zeroResult }
            sums.append(sum.wire)
        }
        return ShareCommitments(curve, hasConstant: true, checked: sums)
    }

    /// The polynomial's value at a node times the base point; `nil` is infinity.
    func point(at node: NodeIdentifier) -> [UInt8]? {
        curve.withNumbers { point($0, at: node) }
    }

    private func point<Number: ShareNumber>(_: Number.Type, at node: NodeIdentifier) -> [UInt8]? {
        let coefficients = (hasConstant ? [] : [nil]) + points.map { Number.Element(wire: $0) }
        return Number.Element.value(of: coefficients, at: Number(of: node))?.wire
    }
}
