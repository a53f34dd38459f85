// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ByteCoding

/// Why a text is no package of a group or a share.
public enum PackageError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Not bech32m; the text is not repeated, since it may hold a share.
    case malformed(Bech32Error)
    /// It begins with other letters.
    case wrongPrefix(expected: String)
    /// Its bytes are too few, too many, or out of range.
    case wrongContents

    public var description: String {
        switch self {
        case .malformed(let error): "not a package: \(error)"
        case .wrongPrefix(let expected): "not a package of this kind: it has to begin with \(expected)1"
        case .wrongContents: "the package's contents are none of a group or share"
        }
    }
}

extension WireGroup {
    /// Reads `bfgroup1...`, as other programs write a group.
    ///
    /// Whether the group fits together is checked by ``RegisteredGroup``.
    public init(package text: String) throws(PackageError) {
        // 33 and 4 bytes, then 103 for each share.
        var bytes = try packageBytes(text, prefix: "bfgroup", limit: 37 + Self.maximumShares * 103)
        guard bytes.count >= 37, (bytes.count - 37).isMultiple(of: 103) else { throw .wrongContents }
        let key: Hex33 = bytes.take()
        let threshold = bytes.number()
        var commits: [WireCommit] = []
        while !bytes.isEmpty {
            let idx = bytes.number()
            let pubkey: Hex33 = bytes.take()
            let binder: Hex33 = bytes.take()
            commits.append(WireCommit(idx: idx, pubkey: pubkey, hiddenNonce: bytes.take(), binderNonce: binder))
        }
        self.init(commits: commits, key: key, threshold: threshold)
    }
}

extension WireShare {
    /// Reads `bfshare1...`, as other programs write a share; its nonces of a retired scheme are not kept.
    public init(package text: String) throws(PackageError) {
        var bytes = try packageBytes(text, prefix: "bfshare", limit: 100)
        guard bytes.count == 100 else { throw .wrongContents }
        self.init(idx: bytes.number(), seckey: bytes.take())
    }
}

private func packageBytes(_ text: String, prefix: String, limit: Int) throws(PackageError) -> ArraySlice<UInt8> {
    // Prefix, separator, five bits a character, checksum.
    guard text.utf8.count <= prefix.utf8.count + 7 + (limit * 8 + 4) / 5 else { throw .wrongContents }
    let (hrp, groups): ([UInt8], [UInt8])
    do throws(Bech32Error) { (hrp, groups) = try Bech32.decode(text, form: .bech32m) } catch { throw .malformed(error) }
    guard hrp.elementsEqual(prefix.utf8) else { throw .wrongPrefix(expected: prefix) }
    let bytes = Bech32.bytes(groups)
    guard Bech32.groups(bytes) == groups else { throw .wrongContents }
    return bytes[...]
}

extension ArraySlice<UInt8> {
    /// Takes bytes whose number is certain.
    fileprivate mutating func take<let count: Int>() -> HexBytes<count> {
        defer { removeFirst(count) }
        return HexBytes(certain: Array(prefix(count)))
    }

    /// Takes four big-endian bytes.
    fileprivate mutating func number() -> Int {
        defer { removeFirst(4) }
        return prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
}
