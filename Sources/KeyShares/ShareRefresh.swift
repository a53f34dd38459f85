// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Secp256k1

/// What a refresh adds to one node's share: the value at that node of a polynomial that is zero at zero.
///
/// Adding it everywhere changes every share and leaves the key, so that shares stolen before are worthless.
public struct ShareDelta: Sendable, CustomStringConvertible, CustomReflectable {
    public let curve: ShareCurve
    private let number: SecretBytes

    /// Reads 32 bytes in the curve's order of bytes, below the group's order.
    ///
    /// - Throws: `.shareOutOfRange`.
    public init(_ curve: ShareCurve, _ bytes: some Collection<UInt8>) throws(KeyShareError) {
        guard curve.withNumbers({ Self.isNumber($0, bytes) }) else { throw .shareOutOfRange(curve) }
        self.curve = curve
        number = SecretBytes { target in for (index, byte) in bytes.enumerated() { target[index] = byte } }
    }

    private static func isNumber<Number: ShareNumber>(_: Number.Type, _ bytes: some Collection<UInt8>) -> Bool {
        Number(wire: bytes) != nil
    }

    /// 32 bytes in the curve's order of bytes, in memory that nobody overwrites but the caller.
    public var bytes: [UInt8] {
        number.withPointer { Array(UnsafeBufferPointer(start: $0, count: SecretBytes.count)) }
    }

    func value<Number: ShareNumber>(_: Number.Type) -> Number {
        guard let value = number.withPointer({ Number(wire: UnsafeBufferPointer(start: $0, count: SecretBytes.count)) })
        else { preconditionFailure("deltas are checked when they are read") }
        return value
    }

    public var description: String { "[redacted delta of \(curve)]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A refresh as its dealer makes it.
public struct RefreshDealing: Sendable {
    /// In the order of the nodes.
    public let deltas: [ShareDelta]
    /// Without a constant.
    public let commitments: ShareCommitments

    /// Deals fresh deltas to all nodes that hold a share.
    ///
    /// - Parameter threshold: that of the sharing.
    public init(threshold: Int, among nodes: [NodeIdentifier]) throws(KeyShareError) {
        let curve = try ShareDealing.curve(of: nodes, threshold: threshold)
        self = try curve.withNumbers { numbers throws(KeyShareError) in
            try Self.deal(numbers, threshold, nodes)
        }
    }

    private static func deal<Number: ShareNumber>(
        _: Number.Type,
        _ threshold: Int,
        _ nodes: [NodeIdentifier]
    ) throws(KeyShareError) -> RefreshDealing {
        try RefreshDealing(coefficients: (1..<threshold).map { _ in Number.random() }, nodes: nodes)
    }

    /// Takes the coefficients from the first degree upwards.
    init<Number: ShareNumber>(coefficients: [Number], nodes: [NodeIdentifier]) throws(KeyShareError) {
        let curve = try ShareDealing.curve(of: nodes, threshold: coefficients.count + 1)
        let points = coefficients.compactMap(\.element)
        guard points.count == coefficients.count else { throw .zeroResult }
        commitments = ShareCommitments(curve, hasConstant: false, checked: points.map(\.wire))
        var deltas: [ShareDelta] = []
        for node in nodes {
            let value = Number.value(of: [.zero] + coefficients, at: Number(of: node))
            deltas.append(try value.withBytes { Result(delta: $0, curve) }.get())
        }
        self.deltas = deltas
    }
}

extension Result where Success == ShareDelta, Failure == KeyShareError {
    fileprivate init(delta bytes: UnsafeRawBufferPointer, _ curve: ShareCurve) {
        self.init { () throws(KeyShareError) in try ShareDelta(curve, bytes) }
    }
}

/// A share and how often it was refreshed; only shares of one epoch make a key.
public struct EpochShare: Sendable, Equatable {
    /// From 1 upwards.
    public let epoch: Int32
    public let share: ShamirShare
    /// What the share was checked with, when the client gave it.
    public let commitments: ShareCommitments?

    public init(_ share: ShamirShare, epoch: Int32 = 1, commitments: ShareCommitments? = nil) {
        self.share = share
        self.epoch = epoch
        self.commitments = commitments
    }

    /// The share of the next epoch.
    ///
    /// - Parameters:
    ///   - delta: what the dealer sent to this node.
    ///   - refresh: the dealer's commitments, without a constant.
    ///   - epoch: which epoch the dealer started from.
    /// - Throws: `.epochConflict`, or `.commitmentMismatch` when the delta is not the one committed to.
    public func refreshed(
        by delta: ShareDelta,
        commitments refresh: ShareCommitments,
        from epoch: Int32
    ) throws(KeyShareError) -> EpochShare {
        guard epoch == self.epoch, epoch < .max else { throw .epochConflict(current: self.epoch) }
        guard delta.curve == share.curve, refresh.curve == share.curve, !refresh.hasConstant else {
            throw .commitmentMismatch
        }
        let next = try share.curve.withNumbers { numbers throws(KeyShareError) in
            try sum(numbers, delta, refresh)
        }
        return EpochShare(next, epoch: epoch + 1, commitments: try commitments?.refreshed(by: refresh))
    }

    private func sum<Number: ShareNumber>(
        _ numbers: Number.Type,
        _ delta: ShareDelta,
        _ refresh: ShareCommitments
    ) throws(KeyShareError) -> ShamirShare {
        let value = delta.value(numbers)
        guard value.element?.wire == refresh.point(at: share.identifier) else { throw .commitmentMismatch }
        return try ShamirShare(share.identifier, Number(of: share) + value)
    }

    /// Puts the secret together from as many shares of one epoch as the threshold says; see ``ShamirShare/combine(_:)``.
    ///
    /// - Throws: `.mixedShares` for shares of different epochs.
    public static func combine(_ shares: [EpochShare]) throws(KeyShareError) -> [UInt8] {
        guard Set(shares.map(\.epoch)).count <= 1 else { throw .mixedShares }
        return try ShamirShare.combine(shares.map(\.share))
    }
}
