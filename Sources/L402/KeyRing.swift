// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Macaroons

/// The gate's root secrets, one per epoch.
///
/// No token's key is stored: it derives from the ring secret and the token's identifier, so minting writes nothing and
/// rotation keeps the tokens of older epochs valid as long as their line says `verify`.
public struct KeyRing: Sendable, CustomStringConvertible {
    /// What an epoch's secret may be used for.
    public enum State: String, Sendable {
        /// Signs new tokens and verifies; exactly one epoch is in this state.
        case mint
        /// Verifies tokens that are out.
        case verify
        /// Neither: tokens of this epoch are refused.
        case retired
    }

    /// Why a ring file is not a key ring; the text never quotes a secret.
    public struct InvalidFile: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    private struct Entry {
        let state: State
        let secret: [UInt8]
    }

    private let entries: [UInt8: Entry]
    /// The epoch that new tokens get.
    public let mintEpoch: UInt8

    /// Makes a ring of one 32-byte secret for epoch 0.
    /// - Throws: ``InvalidFile`` unless the secret has 32 bytes.
    public init(secret: [UInt8]) throws(InvalidFile) {
        guard secret.count == 32 else {
            throw InvalidFile(description: "the L402 secret has \(secret.count) bytes; it must have 32 (64 hex digits)")
        }
        entries = [0: Entry(state: .mint, secret: secret)]
        mintEpoch = 0
    }

    /// Reads a ring file: lines of `epoch state hex64`; empty lines and lines that begin with `#` are skipped.
    /// - Throws: ``InvalidFile`` naming the line.
    public init(parsing text: String) throws(InvalidFile) {
        var entries: [UInt8: Entry] = [:]
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let place = "line \(index + 1)"
            guard words.count == 3, let epoch = UInt8(first), let state = State(rawValue: String(words[1])),
                let secret = Hex.decode(words[2]), secret.count == 32
            else {
                throw InvalidFile(description: "\(place): expected 'EPOCH(0-255) mint|verify|retired 64-HEX-DIGITS'")
            }
            guard entries.updateValue(Entry(state: state, secret: secret), forKey: epoch) == nil else {
                throw InvalidFile(description: "\(place): epoch \(epoch) stands twice")
            }
        }
        let minting = entries.filter { $0.value.state == .mint }
        guard minting.count == 1, let epoch = minting.keys.first else {
            throw InvalidFile(description: "exactly one epoch must have the state mint; found \(minting.count)")
        }
        self.entries = entries
        self.mintEpoch = epoch
    }

    /// The root key of a token, or `nil` when its epoch is unknown or retired.
    func rootKey(for identifier: L402Identifier) -> [UInt8]? {
        guard let entry = entries[identifier.tokenID.epoch], entry.state != .retired else { return nil }
        let message = Array("assay/l402/root/1".utf8) + identifier.bytes
        return authenticationTag(key: entry.secret, message)
    }

    /// The epochs whose tokens are good.
    var verifyingEpochs: [UInt8] { entries.filter { $0.value.state != .retired }.keys.sorted() }

    /// Bytes of a purpose that nobody without the epoch's secret can make; `nil` for an unknown or retired epoch.
    ///
    /// - Parameter retiredToo: whether a retired epoch's secret does as well.
    func derive(_ label: String, _ message: [UInt8], epoch: UInt8, retiredToo: Bool = false) -> [UInt8]? {
        guard let entry = entries[epoch], retiredToo || entry.state != .retired else { return nil }
        return authenticationTag(key: entry.secret, Array(label.utf8) + message)
    }

    public var description: String { "key ring of \(entries.count) epochs, minting with \(mintEpoch)" }
}
