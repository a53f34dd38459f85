// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import LightningPrimitives
public import Secp256k1

extension Bolt11Invoice {
    /// Signs an invoice.
    ///
    /// Fields are written in the order of LND: payment hash, description, time lock, expiry, fallbacks, route hints,
    /// secret, metadata, features.
    /// - Throws: ``Bolt11Error`` when the contents cannot be written, such as a description of more than 639 bytes. What
    ///   is signed always reads back as the same contents.
    public init(signing contents: Contents, with key: SecretKey) throws(Bolt11Error) {
        guard contents.amount.map({ $0 > .zero && $0 <= .supply }) ?? true else {
            throw Bolt11Error(.badAmount, "not between 1 msat and 21 million bitcoin")
        }
        guard (0..<(1 << 35)).contains(contents.timestamp) else { throw Bolt11Error(.badField, "timestamp") }
        guard contents.paymentSecret.count == 32 else { throw Bolt11Error(.missingPaymentSecret, "not 32 bytes") }
        let hrp = InvoiceAmount.write(contents.network, contents.amount)
        var groups = Groups.groups(of: UInt64(contents.timestamp), count: 7)
        groups += try Self.fields(contents, key)
        let signed = try Bolt11Invoice(hrp: hrp, signedGroups: groups, key: key)
        var written = contents
        written.features = Set(contents.features).sorted()
        guard signed.contents == written else { throw Bolt11Error(.badField, "a value does not fit its field") }
        self = signed
    }

    /// Signs data that has been laid out already, and reads it back.
    init(hrp: [UInt8], signedGroups: [UInt8], key: SecretKey) throws(Bolt11Error) {
        let hash = Array(SHA256.hash(data: hrp + Groups.paddedBytes(signedGroups)))
        let signature = key.signRecoverably(hash: hash)
        let groups = signedGroups + Bech32.groups(signature.compact + [signature.recoveryID])
        try self.init(parsing: Bech32.encode(hrp: hrp, groups: groups))
    }

    private static func fields(_ contents: Contents, _ key: SecretKey) throws(Bolt11Error) -> [UInt8] {
        var out = try field(.paymentHash, Bech32.groups(contents.paymentHash.bytes))
        if let description = contents.description {
            out += try field(.description, Bech32.groups(Array(description.utf8)))
        }
        if let hash = contents.descriptionHash { out += try field(.descriptionHash, Bech32.groups(hash)) }
        if contents.minFinalCLTVExpiryDelta != 18 {
            out += try field(.minFinalCLTVExpiryDelta, number(contents.minFinalCLTVExpiryDelta))
        }
        out += try field(.expiry, number(contents.expirySeconds))
        for fallback in contents.fallbacks {
            guard fallback.version < 32 else { throw Bolt11Error(.badField, "a fallback of an unknown version") }
            out += try field(.fallback, [fallback.version] + Bech32.groups(fallback.program))
        }
        for hint in contents.routeHints { out += try field(.routeHint, Bech32.groups(hint.flatMap(bytes))) }
        if contents.namesPayee { out += try field(.payee, Bech32.groups(key.publicKey.compressed)) }
        out += try field(.paymentSecret, Bech32.groups(contents.paymentSecret))
        if let metadata = contents.metadata { out += try field(.metadata, Bech32.groups(metadata)) }
        if let lowest = contents.features.min(), let highest = contents.features.max() {
            guard lowest >= 0, highest < 5 * 1023 else { throw Bolt11Error(.badField, "a feature bit out of range") }
            var groups = [UInt8](repeating: 0, count: highest / 5 + 1)
            for bit in contents.features { groups[groups.count - 1 - bit / 5] |= 1 << UInt8(bit % 5) }
            out += try field(.features, groups)
        }
        return out
    }

    /// The shortest form, which has no zero in front: nothing at all for zero.
    private static func number(_ value: Int64) -> [UInt8] {
        Array(Groups.groups(of: UInt64(clamping: value)).drop { $0 == 0 })
    }

    private static func bytes(_ hop: Hop) -> [UInt8] {
        func bigEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64($0 * 8)) }
        }
        return hop.node.bytes + bigEndian(hop.shortChannelID.rawValue, 8)
            + bigEndian(UInt64(clamping: hop.feeBase.msat), 4) + bigEndian(UInt64(hop.feeRate), 4)
            + bigEndian(UInt64(hop.cltvExpiryDelta), 2)
    }

    private static func field(_ tag: FieldTag, _ groups: [UInt8]) throws(Bolt11Error) -> [UInt8] {
        guard groups.count < 1024 else { throw Bolt11Error(.badField, "a field of more than 1023 groups") }
        return [tag.rawValue, UInt8(groups.count >> 5), UInt8(groups.count & 31)] + groups
    }
}
