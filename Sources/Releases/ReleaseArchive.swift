// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import ReleaseFormat

/// An archive file of a release.
public struct ReleaseArchive: Sendable {
    private let path: String

    public init(_ path: String) { self.path = path }

    /// Reads the whole archive and checks everything, writing nothing.
    ///
    /// - Throws: ``ReleaseError``.
    public func check(_ trust: ArchiveReader.Trust) throws(ReleaseError) -> SignedManifest {
        try read(try OpenFile.reading(path), trust) { _ in }
    }

    /// Unpacks into a directory that is empty: checks everything first, and all of it again while it writes, so that a file
    /// that changes in between is found out.
    ///
    /// - Throws: ``ReleaseError``; what is in the directory is worth nothing then.
    func unpack(
        _ keys: TrustedKeys,
        into directory: String,
        approve: (SignedManifest) throws(ReleaseError) -> Void
    ) throws(ReleaseError) -> SignedManifest {
        let input = try OpenFile.reading(path)
        let checked = try read(input, .keys(keys)) { _ in }
        try approve(checked)
        try input.rewind()
        let writer = ReleaseWriter(directory: directory)
        let unpacked = try read(input, .keys(keys)) { try writer.write($0) }
        guard unpacked == checked else {
            throw ReleaseError(.altered, "\(path) was changed while it was being installed")
        }
        try writer.synchronize()
        return unpacked
    }

    private func read(
        _ input: borrowing OpenFile,
        _ trust: ArchiveReader.Trust,
        _ emit: (ArchiveReader.Part) throws -> Void
    ) throws(ReleaseError) -> SignedManifest {
        var (reader, buffer): (ArchiveReader, [UInt8]) = (ArchiveReader(trust: trust), [])
        do {
            while true {
                let part = try input.read(into: &buffer)
                if part.isEmpty { break }
                try reader.read(part, emit: emit)
            }
        } catch let error as ReleaseError {
            throw error
        } catch {
            throw ReleaseError(.storage, "\(path): \(error)")
        }
        return try reader.finish()
    }
}

/// Writes what an archive holds.
private final class ReleaseWriter {
    private let directory: String
    private var directories: Set<String>
    private var file: OpenFile?

    init(directory: String) {
        self.directory = directory
        directories = [directory]
    }

    func write(_ part: ArchiveReader.Part) throws(ReleaseError) {
        switch part {
        case .manifest(let signed):
            let texts = [
                (ReleaseManifest.fileName, signed.manifest.bytes),
                (ReleaseManifest.signatureFileName, signed.signatures.bytes),
            ]
            for (name, bytes) in texts {
                try DurableFiles.write(bytes[...], to: "\(directory)/\(name)", mode: 0o644)
            }
        case .beginning(let entry):
            try makeDirectories(of: entry.path)
            file = try OpenFile.creating("\(directory)/\(entry.path)", mode: entry.mode)
        case .content(let bytes): try file?.write(bytes)
        case .end:
            try file?.synchronize()
            file = nil
        }
    }

    func synchronize() throws(ReleaseError) {
        for directory in directories { try DurableFiles.synchronize(directory: directory) }
    }

    private func makeDirectories(of path: String) throws(ReleaseError) {
        var directory = directory
        for part in path.split(separator: "/").dropLast() {
            directory += "/\(part)"
            if directories.insert(directory).inserted { try DurableFiles.makeDirectory(directory) }
        }
    }
}
