// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Glibc
public import ReleaseFormat

/// Makes archives of releases.
///
/// The same files and the same manifest always make the same bytes.
public enum ReleasePacker {
    /// A file that goes into a release.
    public struct Source: Sendable {
        /// Its path in the release.
        public let path: String
        let origin: Origin

        enum Origin: Sendable {
            case file(String)
            case contents([UInt8])
        }

        /// A file of the file system; whether it is executable there decides its mode.
        public init(path: String, file: String) {
            self.path = path
            origin = .file(file)
        }

        /// A small file that is made now.
        public init(path: String, contents: [UInt8]) {
            self.path = path
            origin = .contents(contents)
        }
    }

    /// All plain files below a directory.
    ///
    /// - Parameter prefix: what stands before their paths in the release, such as `infra/`.
    /// - Throws: `.unsuitable` when there is something else than files and directories.
    public static func sources(below directory: String, prefix: String = "") throws(ReleaseError) -> [Source] {
        var sources: [Source] = []
        for name in try DurableFiles.names(in: directory) {
            let path = "\(directory)/\(name)"
            guard let status = try FileStatus.of(path) else { continue }
            if status.isDirectory {
                sources += try self.sources(below: path, prefix: "\(prefix)\(name)/")
            } else if status.isPlainFile {
                sources.append(Source(path: prefix + name, file: path))
            } else {
                throw ReleaseError(.unsuitable, "\(path) is neither a file nor a directory, and cannot be released")
            }
        }
        return sources
    }

    /// Hashes the files, as the manifest lists them.
    ///
    /// - Throws: `.missing` or `.storage` when a file cannot be read.
    public static func entries(_ sources: [Source]) throws(ReleaseError) -> [ReleaseManifest.File] {
        var entries: [ReleaseManifest.File] = []
        for source in sources {
            var (hash, size, isExecutable) = (SHA256(), Int64(0), false)
            switch source.origin {
            case .contents(let bytes):
                hash.update(data: bytes)
                size = Int64(bytes.count)
            case .file(let path):
                let file = try OpenFile.reading(path)
                isExecutable = try file.status().mode & 0o100 != 0
                var buffer: [UInt8] = []
                while true {
                    let part = try file.read(into: &buffer)
                    if part.isEmpty { break }
                    part.withUnsafeBytes { hash.update(bufferPointer: $0) }
                    size += Int64(part.count)
                }
            }
            let digest = Array(hash.finalize())
            entries.append(.init(path: source.path, isExecutable: isExecutable, size: size, sha256: digest))
        }
        return entries
    }

    /// Writes an archive, at once and under its name only when it is whole.
    ///
    /// - Throws: `.altered` when a file is not the one that the manifest lists.
    public static func write(
        _ signed: SignedManifest,
        sources: [Source],
        to path: String
    ) throws(ReleaseError) {
        let origins = Dictionary(sources.map { ($0.path, $0.origin) }) { first, _ in first }
        try replaceArchive(path) { (output: borrowing OpenFile) throws(ReleaseError) in
            try head(signed, to: output)
            for file in signed.manifest.files {
                guard let origin = origins[file.path] else {
                    throw ReleaseError(.missing, "there is no source of \(file.path)")
                }
                try output.write(ArchiveHeader(file).bytes[...])
                try copy(origin, file, to: output)
                try pad(file.size, output)
            }
            try output.write(ArchiveHeader.end[...])
        }
        // Reads what was written as an installation will.
        _ = try ReleaseArchive(path).check(.unchecked)
    }

    /// Puts other signatures into an archive.
    public static func replaceSignatures(
        _ signatures: ReleaseSignatures,
        in path: String
    ) throws(ReleaseError) {
        let archive = ReleaseArchive(path)
        var signed = try archive.check(.unchecked)
        let offset = headSize(signed)
        signed.signatures = signatures
        let input = try OpenFile.reading(path)
        try replaceArchive(path) { (output: borrowing OpenFile) throws(ReleaseError) in
            try head(signed, to: output)
            var (skip, buffer): (Int, [UInt8]) = (offset, [])
            while true {
                let part = try input.read(into: &buffer)
                if part.isEmpty { break }
                try output.write(part.dropFirst(skip))
                skip -= min(skip, part.count)
            }
        }
    }

    private static func replaceArchive(
        _ path: String,
        _ body: (borrowing OpenFile) throws(ReleaseError) -> Void
    ) throws(ReleaseError) {
        let temporary = "\(path).new"
        unlink(temporary)
        do {
            let output = try OpenFile.creating(temporary, mode: 0o644)
            try body(output)
            try output.synchronize()
        } catch {
            unlink(temporary)
            throw error
        }
        try DurableFiles.move(temporary, to: path)
    }

    private static func head(_ signed: SignedManifest, to output: borrowing OpenFile) throws(ReleaseError) {
        for (name, bytes) in texts(signed) {
            try output.write(ArchiveHeader(path: name, size: Int64(bytes.count), mode: 0o644).bytes[...])
            try output.write(bytes[...])
            try pad(Int64(bytes.count), output)
        }
    }

    /// How many bytes ``head(_:to:)`` writes.
    private static func headSize(_ signed: SignedManifest) -> Int {
        texts(signed).reduce(0) {
            $0 + ArchiveHeader.blockSize + $1.1.count + ArchiveHeader.padding(Int64($1.1.count))
        }
    }

    private static func texts(_ signed: SignedManifest) -> [(String, [UInt8])] {
        [
            (ReleaseManifest.fileName, signed.manifest.bytes),
            (ReleaseManifest.signatureFileName, signed.signatures.bytes),
        ]
    }

    private static func pad(_ size: Int64, _ output: borrowing OpenFile) throws(ReleaseError) {
        try output.write([UInt8](repeating: 0, count: ArchiveHeader.padding(size))[...])
    }

    private static func copy(
        _ origin: Source.Origin,
        _ file: ReleaseManifest.File,
        to output: borrowing OpenFile
    ) throws(ReleaseError) {
        switch origin {
        case .contents(let bytes): try output.write(bytes[...])
        case .file(let path):
            let input = try OpenFile.reading(path)
            var (buffer, rest): ([UInt8], Int64) = ([], file.size)
            while true {
                let part = try input.read(into: &buffer)
                if part.isEmpty { break }
                rest -= Int64(part.count)
                guard rest >= 0 else { break }
                try output.write(part)
            }
            guard rest == 0 else { throw ReleaseError(.altered, "\(path) was changed while it was packed") }
        }
    }
}
