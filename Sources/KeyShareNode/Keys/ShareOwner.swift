// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import FoundationEssentials
internal import ShareEnvelopes

/// Whose a share is, as its envelope knows: whoever writes the database can give a wallet to another user, but the share
/// in it opens for the login of its owner alone.
struct ShareOwner: Sendable, Hashable {
    /// Type of login, newline, name of the user; of a passkey, newline and its public key, too: else whoever writes the
    /// database could put a key of his own in its place, and log in with that.
    let name: [UInt8]

    init(name: [UInt8]) { self.name = name }

    init(authType: String, userAuthID: String, passkeyKey: [UInt8]?) {
        name = Array("\(authType)\n\(userAuthID)".utf8) + (passkeyKey.map { [UInt8(ascii: "\n")] + $0 } ?? [])
    }

    /// Whether logins go on having the name: names that begin with their type are nobody's former ones.
    var isLasting: Bool {
        let parts = name.split(separator: UInt8(ascii: "\n"), maxSplits: 1)
        return parts.count == 2 && parts[1].starts(with: parts[0] + [UInt8(ascii: "_")])
    }

    /// The row that an envelope of the owner's is bound to, in an epoch of the share: one that a refresh has replaced does
    /// not open in its place.
    func bind(_ row: EnvelopeRow, epoch: Int32) -> EnvelopeRow {
        var hash = SHA256()
        hash.update(data: Array("assay/keyshare/owner/v1\n".utf8))
        hash.update(data: withUnsafeBytes(of: epoch.bigEndian) { Array($0) } + name)
        return EnvelopeRow(
            shareID: row.shareID,
            walletID: row.walletID,
            curve: row.curve,
            publicKey: row.publicKey + Array(hash.finalize())
        )
    }
}
