// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials

/// What a release is: its version and every file in it, with its hash.
///
/// A manifest has exactly one text: JSON without white space, members sorted, ended by a line feed. Nothing in it needs an
/// escape, so this is also its form by RFC 8785. Another text of the same manifest is refused.
public struct ReleaseManifest: Sendable, Hashable {
    /// One file of a release.
    public struct File: Sendable, Hashable {
        /// Relative to the release's directory, such as `bin/assay`.
        public let path: String
        /// Whether its mode is 0755 rather than 0644; there is no other mode.
        public let isExecutable: Bool
        /// In bytes.
        public let size: Int64
        /// SHA-256 of its contents, 32 bytes.
        public let sha256: [UInt8]

        public init(path: String, isExecutable: Bool, size: Int64, sha256: [UInt8]) {
            self.path = path
            self.isExecutable = isExecutable
            self.size = size
            self.sha256 = sha256
        }

        /// The permissions that it is installed with.
        public var mode: UInt32 { isExecutable ? 0o755 : 0o644 }
    }

    public let version: ReleaseVersion
    /// The source's commit: letters, digits and `._+-`, at most 64.
    public let commit: String
    /// When it was built, in Unix seconds, 0 to 99,999,999,999.
    public let buildTime: Int64
    /// The machine it is for as `uname -m` says it, such as `x86_64`.
    public let architecture: String
    /// The oldest release that may be active when this one is installed; any when `nil`.
    public let minimumPredecessor: ReleaseVersion?
    /// Sorted by the bytes of their paths, each path once.
    public let files: [File]

    /// The manifest's own name in archive and directory.
    public static let fileName = "MANIFEST.json"
    /// The name of the file with the signatures.
    public static let signatureFileName = "MANIFEST.sig"
    /// The largest text of a manifest that is read, in bytes.
    public static let sizeLimit = 1 << 20
    /// The most files of a release.
    public static let fileCountLimit = 4096
    /// The largest file, in bytes.
    public static let fileSizeLimit: Int64 = 1 << 30
    /// The most bytes of all files together.
    public static let totalSizeLimit: Int64 = 4 << 30

    static let format = "assay/release/1"

    /// Describes a release; the files may come in any order.
    ///
    /// - Throws: `.malformed` when a member is out of its range, or a path is not one that a release may have.
    public init(
        version: ReleaseVersion,
        commit: String,
        buildTime: Int64,
        architecture: String,
        minimumPredecessor: ReleaseVersion? = nil,
        files: [File]
    ) throws(ReleaseError) {
        self.version = version
        self.commit = commit
        self.buildTime = buildTime
        self.architecture = architecture
        self.minimumPredecessor = minimumPredecessor
        self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        try check()
    }

    /// Reads a manifest.
    ///
    /// - Throws: `.malformed` when the bytes are not the one text of a manifest.
    public init(parsing bytes: [UInt8]) throws(ReleaseError) {
        guard bytes.count <= Self.sizeLimit else {
            throw ReleaseError(.malformed, "the manifest is larger than \(Self.sizeLimit) bytes")
        }
        guard JSONNesting.isShallow(bytes, limit: 4),
            let text = try? JSONDecoder().decode(ManifestText.self, from: Data(bytes))
        else { throw ReleaseError(.malformed, "the manifest is not JSON with the members of one") }
        guard text.format == Self.format else {
            throw ReleaseError(
                .malformed,
                "the manifest's format is not \(Self.format): install a newer release of this program first"
            )
        }
        try self.init(
            version: text.version,
            commit: text.commit,
            buildTime: text.buildTime,
            architecture: text.arch,
            minimumPredecessor: text.minimumPredecessor,
            files: text.files.compactMap(\.file)
        )
        guard self.bytes == bytes else {
            throw ReleaseError(.malformed, "the manifest is not written in the one form that is signed")
        }
    }

    /// Its one text, which is what is signed.
    public var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(ManifestText(self)) else {
            preconditionFailure("strings and integers always encode")
        }
        return Array(data) + [UInt8(ascii: "\n")]
    }

    /// The file with a path, if there is one.
    public func file(_ path: String) -> File? { files.first { $0.path == path } }
}

extension ReleaseManifest {
    /// Whether a release may have a file of this path.
    ///
    /// Relative, at most 100 bytes, of letters, digits and `._+@-` between single slashes; no part is `.` or `..` or
    /// begins with a hyphen, which a command would take for an option.
    public static func isAcceptable(path: String) -> Bool {
        guard (1...100).contains(path.utf8.count), path != fileName, path != signatureFileName else { return false }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            part != "" && part != "." && part != ".." && !part.hasPrefix("-") && isPlain(part, or: "._+@-")
        }
    }

    private static func isPlain(_ text: some StringProtocol, or others: String) -> Bool {
        text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: others.utf8.contains(byte)
            }
        }
    }

    private func check() throws(ReleaseError) {
        func require(_ condition: Bool, _ text: @autoclosure () -> String) throws(ReleaseError) {
            if !condition { throw ReleaseError(.malformed, "the manifest is not valid: " + text()) }
        }
        try require((1...64).contains(commit.utf8.count) && Self.isPlain(commit, or: "._+-"), "commit")
        try require((0...99_999_999_999).contains(buildTime), "build time")
        try require((1...32).contains(architecture.utf8.count) && Self.isPlain(architecture, or: "_"), "architecture")
        try require(minimumPredecessor.map { $0 <= version } ?? true, "the minimum predecessor is newer than itself")
        try require((1...Self.fileCountLimit).contains(files.count), "it has \(files.count) files")
        var total: Int64 = 0
        for file in files {
            try require(Self.isAcceptable(path: file.path), "a file cannot be named '\(file.path.prefix(100))'")
            try require((0...Self.fileSizeLimit).contains(file.size), "\(file.path) has \(file.size) bytes")
            try require(file.sha256.count == 32, "the hash of \(file.path)")
            total += file.size
        }
        try require(total <= Self.totalSizeLimit, "its files are larger than \(Self.totalSizeLimit) bytes together")
        let paths = Set(files.map(\.path))
        try require(paths.count == files.count, "a file is listed twice")
        for path in paths {
            let isInFile = path.indices.contains { path[$0] == "/" && paths.contains(String(path[..<$0])) }
            try require(!isInFile, "\(path) is below a file")
        }
    }
}

/// The members as they stand in the text.
private struct ManifestText: Codable {
    struct Entry: Codable {
        let mode: String
        let path: String
        let sha256: String
        let size: Int64

        init(_ file: ReleaseManifest.File) {
            mode = file.isExecutable ? "0755" : "0644"
            path = file.path
            sha256 = Hex.encode(file.sha256)
            size = file.size
        }

        /// The file, or `nil` when mode or hash is none; the comparison of the texts finds what is left out.
        var file: ReleaseManifest.File? {
            guard let hash = Hex.decode(sha256), hash.count == 32 else { return nil }
            return ReleaseManifest.File(path: path, isExecutable: mode == "0755", size: size, sha256: hash)
        }
    }

    let arch: String
    let buildTime: Int64
    let commit: String
    let files: [Entry]
    let format: String
    let minimumPredecessor: ReleaseVersion?
    let version: ReleaseVersion

    init(_ manifest: ReleaseManifest) {
        arch = manifest.architecture
        buildTime = manifest.buildTime
        commit = manifest.commit
        files = manifest.files.map(Entry.init)
        format = ReleaseManifest.format
        minimumPredecessor = manifest.minimumPredecessor
        version = manifest.version
    }
}
