// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Secp256k1

extension ThresholdGroup {
    /// The group with its key tweaked as Taproot's output key (BIP 341).
    ///
    /// Never for a Nostr key: the public key changes.
    ///
    /// - Parameter merkleRoot: the root of the script tree, 32 bytes; `nil` when there are no scripts.
    public func taprootTweaked(merkleRoot: [UInt8]? = nil) throws(FROSTError) -> ThresholdGroup {
        let tweak = taprootTweak(merkleRoot).point
        func tweaked(_ point: Point) throws(FROSTError) -> Point {
            guard let sum = Point.sum([key.hasEvenY ? point : -point, tweak]) else { throw .invalidTweak }
            return sum
        }
        var shares: [Identifier: Point] = [:]
        for (identifier, share) in publicShares { shares[identifier] = try tweaked(share) }
        return ThresholdGroup(unchecked: threshold, key: try tweaked(key), publicShares: shares)
    }

    fileprivate func taprootTweak(_ merkleRoot: [UInt8]?) -> Scalar {
        Scalar(reducing: taggedHash("TapTweak", key.xOnly + (merkleRoot ?? [])))
    }
}

extension KeyShare {
    /// This share of the tweaked group.
    public func taprootTweaked(
        of group: ThresholdGroup,
        merkleRoot: [UInt8]? = nil
    ) throws(FROSTError) -> KeyShare {
        try group.requireOwn(self)
        let even = group.key.hasEvenY ? secret : -secret
        return try KeyShare(identifier: identifier, secret: even + group.taprootTweak(merkleRoot))
    }
}
