// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why an envelope, a root secret or a piece of one is refused; never holds what was inside.
public enum EnvelopeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Not an envelope of this version: wrong mark, length or alphabet.
    case malformed
    /// Another row's envelope, one that was changed, or one sealed with another secret.
    case forged
    /// The envelope needs a key of an epoch that is not in the ring.
    case unknownEpoch(UInt32)
    /// A key-encryption key's epoch counts from 1 and is in the ring once.
    case invalidEpochs
    /// Root secrets are 32 bytes, or 64 hexadecimal digits.
    case badRootSecret
    /// The secret of version 1 is empty.
    case emptySecret
    /// The threshold is 2 to the number of pieces, and there are at most 255.
    case badSplit
    /// A piece is damaged: its checksum does not fit.
    case badPiece
    /// The pieces are of different splits, or one was given twice.
    case mixedPieces
    /// So many pieces are missing.
    case missingPieces(Int)

    public var description: String {
        switch self {
        case .malformed: "not an envelope"
        case .forged: "the envelope belongs to another row, was changed, or was sealed with another secret"
        case .unknownEpoch(let epoch): "the envelope was sealed in epoch \(epoch), whose key is not loaded"
        case .invalidEpochs: "epochs count from 1, and each is there once"
        case .badRootSecret: "a root secret is 32 bytes or 64 hexadecimal digits: openssl rand -hex 32"
        case .emptySecret: "the encryption secret is empty"
        case .badSplit: "a root secret is split into 2 to 255 pieces, of which at least 2 are needed"
        case .badPiece: "the piece is damaged: copy it again, to the last character"
        case .mixedPieces: "the pieces are not different ones of the same split"
        case .missingPieces(let count): "\(count) more pieces are needed"
        }
    }
}
