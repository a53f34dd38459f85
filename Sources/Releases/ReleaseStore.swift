// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Glibc
public import ReleaseFormat

/// The releases of a host: `releases/VERSION` for each, the link `current`, and `history.json`.
public struct ReleaseStore: Sendable {
    /// Such as `/opt/assay`; absolute.
    public let root: String
    /// Whose signatures count.
    public let keys: TrustedKeys

    /// Where releases are unless told otherwise.
    public static let defaultRoot = "/opt/assay"

    public init(root: String, keys: TrustedKeys) {
        self.root = root
        self.keys = keys
    }

    var releases: String { "\(root)/releases" }
    var link: String { "\(root)/current" }
    private var historyFile: String { "\(root)/history.json" }

    /// The directory of a release.
    public func directory(_ version: ReleaseVersion) -> String { "\(releases)/\(version)" }

    /// Takes the lock, makes what is missing and removes what an interrupted command has left.
    ///
    /// - Throws: `.locked`, `.unsafePermissions` or `.storage`.
    func prepare() throws(ReleaseError) -> InstallationLock {
        for directory in [root, releases] {
            try DurableFiles.makeDirectory(directory)
            try FileStatus.of(directory)?.requireSafe(directory)
        }
        let lock = try InstallationLock("\(root)/lock")
        for name in try DurableFiles.names(in: releases) where name.hasPrefix(".") {
            try DurableFiles.remove("\(releases)/\(name)")
        }
        return lock
    }

    // MARK: What is there

    /// The releases that are installed, newest version first; whether they are whole is not looked at.
    public func installed() throws(ReleaseError) -> [ReleaseVersion] {
        guard try FileStatus.of(releases) != nil else { return [] }
        return try DurableFiles.names(in: releases).compactMap(ReleaseVersion.init).sorted(by: >)
    }

    /// The release that the link names, if there is a link.
    ///
    /// - Throws: `.malformed` when `current` is something else than a link to a release.
    public func current() throws(ReleaseError) -> ReleaseVersion? {
        guard try FileStatus.of(link) != nil else { return nil }
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink(link, &buffer, buffer.count)
        let target = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard target.hasPrefix("releases/"), let version = ReleaseVersion(String(target.dropFirst(9))) else {
            throw ReleaseError(
                .malformed,
                "\(link) is not a link to releases/VERSION: move it away, then install a release"
            )
        }
        return version
    }

    public func history() throws(ReleaseError) -> ReleaseHistory {
        guard try FileStatus.of(historyFile) != nil else { return ReleaseHistory() }
        return try ReleaseHistory(parsing: try DurableFiles.read(historyFile, limit: ReleaseHistory.sizeLimit))
    }

    /// Checks an installed release: signatures, that exactly the signed files are there, their hashes and their modes, and
    /// that nobody but root, or the user who runs this, could change one.
    ///
    /// - Throws: `.missing`, `.untrusted`, `.altered`, `.unsafePermissions` or `.malformed`.
    @discardableResult
    public func verify(_ version: ReleaseVersion) throws(ReleaseError) -> SignedManifest {
        let directory = directory(version)
        guard try FileStatus.of(directory)?.isDirectory == true else {
            throw ReleaseError(.missing, "release \(version) is not installed in \(releases)")
        }
        for directory in [root, releases] { try FileStatus.of(directory)?.requireSafe(directory) }
        let signed = try signedManifest(version)
        try keys.verify(signed.signatures, manifest: signed.manifest.bytes)
        guard signed.manifest.version == version else {
            throw ReleaseError(.altered, "\(directory) holds release \(signed.manifest.version)")
        }
        var expected = Dictionary(uniqueKeysWithValues: signed.manifest.files.map { ($0.path, $0) })
        try check(directory, "", &expected)
        if let path = expected.keys.min() { throw ReleaseError(.altered, "\(directory)/\(path) is missing") }
        return signed
    }

    /// The manifest of an installed release with its signatures, unchecked.
    func signedManifest(_ version: ReleaseVersion) throws(ReleaseError) -> SignedManifest {
        let directory = directory(version)
        return try SignedManifest(
            manifest: try DurableFiles.read(
                "\(directory)/\(ReleaseManifest.fileName)",
                limit: ReleaseManifest.sizeLimit
            ),
            signatures: try DurableFiles.read(
                "\(directory)/\(ReleaseManifest.signatureFileName)",
                limit: ReleaseSignatures.sizeLimit
            )
        )
    }

    /// Checks a directory of a release and takes what was found out of `expected`.
    private func check(
        _ directory: String,
        _ prefix: String,
        _ expected: inout [String: ReleaseManifest.File]
    ) throws(ReleaseError) {
        try FileStatus.of(directory)?.requireSafe(directory)
        for name in try DurableFiles.names(in: directory) {
            let (path, place) = (prefix + name, "\(directory)/\(name)")
            guard let status = try FileStatus.of(place) else { continue }
            if status.isDirectory {
                try check(place, path + "/", &expected)
                continue
            }
            guard status.isPlainFile else {
                throw ReleaseError(.altered, "\(place) is neither a file nor a directory")
            }
            try status.requireSafe(place)
            let isOwn = path == ReleaseManifest.fileName || path == ReleaseManifest.signatureFileName
            if isOwn { continue }
            guard let file = expected.removeValue(forKey: path) else {
                throw ReleaseError(.altered, "\(place) does not belong to the release")
            }
            guard status.size == file.size, try Self.hash(place) == file.sha256 else {
                throw ReleaseError(.altered, "\(place) is not the file that was signed")
            }
            guard status.mode == file.mode else {
                throw ReleaseError(.altered, "the mode of \(place) is not \(String(file.mode, radix: 8))")
            }
        }
    }

    /// SHA-256 of a file.
    static func hash(_ path: String) throws(ReleaseError) -> [UInt8] { try hash(try OpenFile.reading(path)) }

    private static func hash(_ file: borrowing OpenFile) throws(ReleaseError) -> [UInt8] {
        var (hash, buffer): (SHA256, [UInt8]) = (SHA256(), [])
        while true {
            let part = try file.read(into: &buffer)
            if part.isEmpty { return Array(hash.finalize()) }
            part.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
    }

    // MARK: Changes

    /// Checks an archive and puts it among the releases; it is there whole or not at all.
    ///
    /// - Parameter approve: is asked when the archive is known to be good, before anything is written.
    func add(
        _ archive: ReleaseArchive,
        approve: (SignedManifest) throws(ReleaseError) -> Void
    ) throws(ReleaseError) {
        let staging = "\(releases)/.incoming"
        try DurableFiles.makeDirectory(staging)
        do {
            let signed = try archive.unpack(keys, into: staging, approve: approve)
            try DurableFiles.move(staging, to: directory(signed.manifest.version))
        } catch {
            try? DurableFiles.remove(staging)
            throw error
        }
    }

    /// Removes a release; a crash leaves no half of it under its name.
    func remove(_ version: ReleaseVersion) throws(ReleaseError) {
        let removed = "\(releases)/.removed-\(version)"
        try DurableFiles.move(directory(version), to: removed)
        try DurableFiles.remove(removed)
    }

    func save(_ history: ReleaseHistory) throws(ReleaseError) {
        try DurableFiles.replace(historyFile, with: history.bytes, mode: 0o644)
    }

    /// Points `current` to a release, or removes it.
    func setCurrent(_ version: ReleaseVersion?) throws(ReleaseError) {
        guard let version else {
            guard unlink(link) == 0 || errno == ENOENT else { throw .system("\(link) cannot be removed") }
            return try DurableFiles.synchronize(directory: root)
        }
        try DurableFiles.link(link, to: "releases/\(version)")
    }
}

extension ReleaseStore {
    /// Checks the release that a running program belongs to, or the active one when it belongs to none, and the program as it
    /// is running, which may be another file than the one of its name by now.
    ///
    /// - Parameter program: the running program's path, links resolved.
    /// - Throws: as ``verify(_:)``; `.missing` when no release is active.
    public func verifyRunning(program: String) throws(ReleaseError) -> SignedManifest {
        let parts = program.split(separator: "/").map(String.init)
        let place = releases.split(separator: "/").map(String.init)
        guard parts.starts(with: place), parts.count > place.count, let version = ReleaseVersion(parts[place.count])
        else {
            guard let current = try current() else {
                throw ReleaseError(.missing, "no release is active in \(root): see 'assay release install --help'")
            }
            return try verify(current)
        }
        let signed = try verify(version)
        let path = parts.dropFirst(place.count + 1).joined(separator: "/")
        guard let file = signed.manifest.file(path),
            try Self.hash(try OpenFile.following("/proc/self/exe")) == file.sha256
        else {
            throw ReleaseError(.altered, "the running program is not \(path) of release \(version)")
        }
        return signed
    }
}
