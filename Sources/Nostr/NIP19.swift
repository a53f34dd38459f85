// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ByteCoding
internal import LightningPrimitives
public import Secp256k1

/// Why a text is not a key of NIP-19.
public enum KeyTextError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Not bech32, or of another size; a secret's text is not repeated.
    case malformed(Bech32Error?)
    /// It begins with other letters than the expected ones.
    case wrongPrefix(expected: String)
    /// The number is not a secret of secp256k1.
    case outOfRange

    public var description: String {
        switch self {
        case .malformed(let error?): "not a NIP-19 key: \(error)"
        case .malformed(nil): "not a NIP-19 key: it does not hold 32 bytes"
        case .wrongPrefix(let expected): "not a NIP-19 key of this kind: it has to begin with \(expected)1"
        case .outOfRange: "the key's number is not between 1 and the group order"
        }
    }
}

extension NostrKey {
    /// `npub1...` (NIP-19).
    public var npub: String { Bech32.encode(hrp: Array("npub".utf8), groups: Bech32.groups(bytes)) }

    /// Reads `npub1...`.
    public init(npub text: String) throws(KeyTextError) {
        guard let key = NostrKey(try keyBytes(text, prefix: "npub")) else { throw .malformed(nil) }
        self = key
    }
}

extension SecretKey {
    /// `nsec1...` (NIP-19): the secret itself.
    public var nsec: String { Bech32.encode(hrp: Array("nsec".utf8), groups: Bech32.groups(rawBytes)) }

    /// Reads `nsec1...`.
    public init(nsec text: String) throws(KeyTextError) {
        guard let key = SecretKey(try keyBytes(text, prefix: "nsec")) else { throw .outOfRange }
        self = key
    }
}

private func keyBytes(_ text: String, prefix: String) throws(KeyTextError) -> [UInt8] {
    // 32 bytes make 63 characters.
    guard text.utf8.count == 63 else { throw .malformed(nil) }
    let (hrp, groups): ([UInt8], [UInt8])
    do { (hrp, groups) = try Bech32.decode(text) } catch { throw .malformed(error) }
    guard hrp.elementsEqual(prefix.utf8) else { throw .wrongPrefix(expected: prefix) }
    let bytes = Bech32.bytes(groups)
    // The bits that fill the last group have to be zero: one spelling for one key.
    guard bytes.count == 32, Bech32.groups(bytes) == groups else { throw .malformed(nil) }
    return bytes
}
