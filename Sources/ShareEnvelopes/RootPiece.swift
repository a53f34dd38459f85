// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials
internal import Secp256k1

/// One operator's piece of a root secret: a line that begins with `akspiece1`.
///
/// Shamir's sharing over 256 elements, byte by byte; fewer pieces than the threshold say nothing about the secret. The
/// line is Bech32m (BIP 350), which finds every error of up to four characters, of: version 1, threshold, place, a check
/// value of the root (8 bytes), value (32 bytes).
public struct RootPiece: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    private static let prefix = Array("akspiece".utf8)
    private static let version: UInt8 = 1
    private static let checkCount = 8
    private static let count = 3 + checkCount + RootSecret.count

    /// How many pieces make the root.
    public let threshold: Int
    /// Which piece this is, from 1.
    public let place: UInt8
    let check: [UInt8]
    let value: [UInt8]

    /// Reads a piece's line, with white space around.
    ///
    /// - Throws: `.badPiece`.
    public init(line: String) throws(EnvelopeError) {
        guard line.utf8.count <= 200 else { throw .badPiece }
        let text = line.filter { !$0.isWhitespace }
        guard let decoded = try? Bech32.decode(text, form: .bech32m), decoded.hrp == Self.prefix else {
            throw .badPiece
        }
        let bytes = Bech32.bytes(decoded.groups)
        guard bytes.count == Self.count, Bech32.groups(bytes) == decoded.groups, bytes[0] == Self.version,
            bytes[1] >= 2, bytes[2] > 0
        else { throw .badPiece }
        threshold = Int(bytes[1])
        place = bytes[2]
        check = Array(bytes[3..<(3 + Self.checkCount)])
        value = Array(bytes[(3 + Self.checkCount)...])
    }

    init(threshold: Int, place: UInt8, check: [UInt8], value: [UInt8]) {
        self.threshold = threshold
        self.place = place
        self.check = check
        self.value = value
    }

    /// The line to hand to an operator; a secret.
    public var line: String {
        let bytes = [Self.version, UInt8(truncatingIfNeeded: threshold), place] + check + value
        return Bech32.encode(hrp: Self.prefix, groups: Bech32.groups(bytes), form: .bech32m)
    }

    public var description: String { "[redacted piece \(place)]" }

    public var customMirror: Mirror { Mirror(self, children: []) }

    static func check(of root: RootSecret) -> [UInt8] {
        root.derivedKey(salt: "assay/keyshare/v2", info: Array("piece".utf8), count: checkCount)
            .withUnsafeBytes { Array($0) }
    }
}

extension RootSecret {
    /// Splits the secret among operators.
    ///
    /// - Parameters:
    ///   - count: pieces, up to 255.
    ///   - threshold: how many of them make the secret, at least 2.
    /// - Throws: `.badSplit`.
    public func split(into count: Int = 5, threshold: Int = 3) throws(EnvelopeError) -> [RootPiece] {
        guard threshold >= 2, threshold <= count, count <= 255 else { throw .badSplit }
        var generator = SystemRandomNumberGenerator()
        var values = [[UInt8]](repeating: [], count: count)
        key.withUnsafeBytes { secret in
            for byte in secret {
                var coefficients = [byte]
                for _ in 1..<threshold { coefficients.append(.random(in: .min ... .max, using: &generator)) }
                for index in values.indices {
                    values[index].append(ByteField.value(of: coefficients, at: UInt8(index + 1)))
                }
                overwrite(&coefficients)
            }
        }
        let check = RootPiece.check(of: self)
        return values.enumerated().map { index, value in
            RootPiece(threshold: threshold, place: UInt8(index + 1), check: check, value: value)
        }
    }

    /// Puts the secret together.
    ///
    /// - Parameter pieces: as many different ones of the same split as its threshold says, or more.
    /// - Throws: `.missingPieces`, or `.mixedPieces` when they do not belong together.
    public init(pieces: [RootPiece]) throws(EnvelopeError) {
        guard let first = pieces.first else { throw .missingPieces(2) }
        guard pieces.allSatisfy({ $0.threshold == first.threshold && $0.check == first.check }),
            Set(pieces.map(\.place)).count == pieces.count
        else { throw .mixedPieces }
        guard pieces.count >= first.threshold else { throw .missingPieces(first.threshold - pieces.count) }
        let chosen = Array(pieces.prefix(first.threshold))
        let places = chosen.map(\.place)
        var secret = [UInt8](repeating: 0, count: Self.count)
        defer { overwrite(&secret) }
        for piece in chosen {
            let weight = ByteField.weight(of: piece.place, among: places)
            for (index, byte) in piece.value.enumerated() { secret[index] ^= ByteField.multiply(weight, byte) }
        }
        try self.init(secret)
        guard RootPiece.check(of: self) == first.check else { throw .mixedPieces }
    }
}
