// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The 512 bytes before each file of an archive (POSIX.1-2017, pax, "ustar Interchange Format").
///
/// Every field but path, size and mode is fixed, so an archive of the same files always has the same bytes.
public struct ArchiveHeader: Sendable, Hashable {
    public let path: String
    /// In bytes, below 2^33.
    public let size: Int64
    /// 0644 or 0755.
    public let mode: UInt32

    public init(path: String, size: Int64, mode: UInt32) {
        self.path = path
        self.size = size
        self.mode = mode
    }

    /// The header of a release's file.
    public init(_ file: ReleaseManifest.File) {
        self.init(path: file.path, size: file.size, mode: file.mode)
    }

    /// The size of all units of an archive, in bytes.
    public static let blockSize = 512
    /// What ends an archive.
    public static let end = [UInt8](repeating: 0, count: 2 * blockSize)

    /// How many zero bytes follow contents of a size.
    public static func padding(_ size: Int64) -> Int { Int((512 - size % 512) % 512) }

    /// Reads a header.
    ///
    /// - Returns: `nil` for a block of zeros.
    /// - Throws: `.malformed` for everything that is not a plain file, written as ``bytes`` writes it.
    public static func read(_ block: [UInt8]) throws(ReleaseError) -> ArchiveHeader? {
        guard block.count == blockSize else { throw ReleaseError(.malformed, "the archive ends within a header") }
        if block.allSatisfy({ $0 == 0 }) { return nil }
        let sum = octal(block[148..<154])
        guard sum == checksum(block) else {
            throw ReleaseError(.malformed, "the archive is damaged, or not a tar archive: a header's checksum is wrong")
        }
        let name = String(decoding: block[0..<100].prefix { $0 != 0 }, as: UTF8.self)
        guard block[156] == UInt8(ascii: "0") else {
            throw ReleaseError(.malformed, "'\(shown(name))' is \(kind(block[156])): a release has plain files only")
        }
        guard let size = octal(block[124..<135]), let mode = octal(block[100..<107]) else {
            throw ReleaseError(.malformed, "the archive's header of '\(shown(name))' has no size or mode")
        }
        let header = ArchiveHeader(path: name, size: size, mode: UInt32(truncatingIfNeeded: mode))
        let isOwn = name == ReleaseManifest.fileName || name == ReleaseManifest.signatureFileName
        guard isOwn || ReleaseManifest.isAcceptable(path: name) else {
            throw ReleaseError(.malformed, "a release cannot have a file named '\(shown(name))'")
        }
        guard mode == 0o644 || mode == 0o755, header.bytes == block else {
            throw ReleaseError(
                .malformed,
                "the archive's header of '\(name)' is not as 'assay release pack' writes it"
            )
        }
        return header
    }

    /// The header's block.
    ///
    /// - Precondition: the path has at most 100 bytes, and size and mode are in their ranges.
    public var bytes: [UInt8] {
        precondition(path.utf8.count <= 100 && (0..<(1 << 33)).contains(size) && mode <= 0o7777, "out of range")
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        put(path, at: 0)
        put(Self.octal(Int64(mode), digits: 7), at: 100)
        put(Self.octal(0, digits: 7), at: 108)  // owner: root
        put(Self.octal(0, digits: 7), at: 116)
        put(Self.octal(size, digits: 11), at: 124)
        put(Self.octal(0, digits: 11), at: 136)  // time
        put("0", at: 156)
        put("ustar\0" + "00", at: 257)
        put("root", at: 265)
        put("root", at: 297)
        put(Self.octal(0, digits: 7), at: 329)
        put(Self.octal(0, digits: 7), at: 337)
        put(Self.octal(Self.checksum(block), digits: 6) + "\0 ", at: 148)
        return block
    }

    /// The sum of all bytes, with spaces in the place of the sum itself.
    private static func checksum(_ block: [UInt8]) -> Int64 {
        block.indices.reduce(0) { $0 + ((148..<156).contains($1) ? 32 : Int64(block[$1])) }
    }

    private static func octal(_ value: Int64, digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private static func octal(_ digits: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { return nil }
            value = value << 3 | Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private static func kind(_ type: UInt8) -> String {
        switch type {
        case 0: "an entry of an old form"
        case UInt8(ascii: "1"): "a hard link"
        case UInt8(ascii: "2"): "a symbolic link"
        case UInt8(ascii: "3"), UInt8(ascii: "4"): "a device"
        case UInt8(ascii: "5"): "a directory"
        case UInt8(ascii: "6"): "a pipe"
        default: "an entry of an unknown kind"
        }
    }

    /// A name for an error: nothing that a terminal would obey.
    private static func shown(_ name: String) -> String {
        String(name.unicodeScalars.map { (0x20..<0x7F).contains($0.value) ? Character($0) : "?" })
    }
}
