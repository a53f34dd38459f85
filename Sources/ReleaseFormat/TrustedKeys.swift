// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// Whose signatures a host believes, and how many of them a release needs.
///
/// The file has one key a line, `ed25519 64-HEX-DIGITS NAME`, and at most one line `threshold N`; `#` begins a comment. Two
/// keys and a threshold of 1 let keys change over time; three keys and a threshold of 2 survive the loss or theft of one.
public struct TrustedKeys: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        public let key: ReleaseKey
        /// For people: letters, digits and the like.
        public let name: String

        public init(key: ReleaseKey, name: String) {
            self.key = key
            self.name = name
        }

        /// The line of the file.
        public var line: String { "ed25519 \(Hex.encode(key.bytes)) \(name)" }
    }

    public let entries: [Entry]
    /// How many different keys must have signed, 1 or more.
    public let threshold: Int

    /// The most keys of a file.
    public static let countLimit = 16
    /// The largest file that is read, in bytes.
    public static let sizeLimit = 16_384

    /// Reads the file's text.
    ///
    /// - Throws: `.malformed` with the number of the line.
    public init(parsing bytes: [UInt8]) throws(ReleaseError) {
        var (entries, threshold): ([Entry], Int?) = ([], nil)
        guard bytes.count <= Self.sizeLimit else {
            throw ReleaseError(.malformed, "the trusted keys are larger than \(Self.sizeLimit) bytes")
        }
        // Bytes, because a carriage return and a line feed are one character of a string.
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let words = line.prefix { $0 != UInt8(ascii: "#") }
                .split { [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")].contains($0) }
                .map { String(decoding: $0, as: UTF8.self) }
            let malformed = ReleaseError(
                .malformed,
                "line \(index + 1) of the trusted keys is neither 'ed25519 64-HEX-DIGITS NAME' nor 'threshold N'"
            )
            switch words.first {
            case nil: continue
            case "ed25519" where words.count == 2 || words.count == 3:
                guard let key = Hex.decode(words[1]).flatMap(ReleaseKey.init) else { throw malformed }
                guard !entries.contains(where: { $0.key.id == key.id }) else {
                    throw ReleaseError(.malformed, "line \(index + 1) of the trusted keys repeats a key")
                }
                entries.append(Entry(key: key, name: words.count == 3 ? words[2] : key.id))
            case "threshold" where words.count == 2 && threshold == nil:
                guard let number = Int(words[1]), number > 0 else { throw malformed }
                threshold = number
            default: throw malformed
            }
        }
        guard (1...Self.countLimit).contains(entries.count), (threshold ?? 1) <= entries.count else {
            throw ReleaseError(
                .malformed,
                "there must be 1 to \(Self.countLimit) trusted keys, and as many as the threshold says"
            )
        }
        self.entries = entries
        self.threshold = threshold ?? 1
    }

    /// Checks a manifest's signatures.
    ///
    /// Signatures of keys that are not trusted count nothing: a release may be signed for several hosts' keys.
    ///
    /// - Returns: the names of the trusted keys that signed.
    /// - Throws: `.untrusted` when too few have, or when a signature that bears a trusted key's name is not of that key.
    @discardableResult
    public func verify(_ signatures: ReleaseSignatures, manifest bytes: [UInt8]) throws(ReleaseError) -> [String] {
        var names: [String] = []
        for entry in entries {
            guard let signature = signatures.all.first(where: { $0.keyID == entry.key.id }) else { continue }
            guard entry.key.isValid(signature, manifest: bytes) else {
                throw ReleaseError(.untrusted, "the signature of the key '\(entry.name)' is wrong: do not install this")
            }
            names.append(entry.name)
        }
        guard names.count >= threshold else {
            let ids = signatures.all.map(\.keyID).joined(separator: ", ")
            throw ReleaseError(
                .untrusted,
                "\(names.count) trusted \(names.count == 1 ? "key has" : "keys have") signed this release and "
                    + "\(threshold) must; it is signed by: \(ids.isEmpty ? "nobody" : ids)"
            )
        }
        return names
    }
}
