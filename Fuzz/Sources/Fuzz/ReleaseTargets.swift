// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ReleaseFormat

extension FuzzTarget {
    /// A manifest, signatures, trusted keys or a history.
    static let releaseManifest = FuzzTarget(name: "ReleaseManifest") { input in
        if let manifest = try? ReleaseManifest(parsing: input) {
            require(manifest.bytes == input, "a manifest has one text")
            for file in manifest.files {
                require(ReleaseManifest.isAcceptable(path: file.path), "every path is one of a release")
                require(!file.path.hasPrefix("/") && !"/\(file.path)/".contains("/../"), "and leads nowhere else")
            }
            let paths = manifest.files.map { Array($0.path.utf8) }
            let isSorted = zip(paths, paths.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
            require(isSorted, "paths are sorted, each once")
        }
        if let signatures = try? ReleaseSignatures(parsing: input) {
            require(signatures.bytes == input, "signatures have one text")
        }
        if let keys = try? TrustedKeys(parsing: input) {
            let text = keys.entries.map { $0.line + "\n" }.joined() + "threshold \(keys.threshold)\n"
            let again = require("trusted keys read", { try TrustedKeys(parsing: Array(text.utf8)) })
            require(again == keys, "trusted keys read as the same")
            require((1...keys.entries.count).contains(keys.threshold), "the threshold can be reached")
        }
        if let history = try? ReleaseHistory(parsing: input) {
            let again = require("a history reads", { try ReleaseHistory(parsing: history.bytes) })
            require(again == history, "a history reads as the same")
        }
        if let text = String(validating: input, as: UTF8.self), let version = ReleaseVersion(text) {
            require(version.description == text && !(version < version), "a version has one text and one place")
            require(!text.contains("/") && !text.hasPrefix("."), "a version is a file's name")
        }
    }

    /// An archive, whose headers' checksums are made right first.
    static let releaseArchive = FuzzTarget(name: "ReleaseArchive") { input in
        let archive = repaired(input)
        let whole = written(archive, pieces: archive.count + 1)
        for pieces in [1, 100, 512] {
            require(written(archive, pieces: pieces) == whole, "read in pieces it is the same")
        }
        if let whole { require(whole == archive, "an archive that is accepted is the one that its files make") }
    }

    /// The archive that the parts of an archive make, or `nil` when it is refused.
    private static func written(_ archive: [UInt8], pieces: Int) -> [UInt8]? {
        var (reader, output): (ArchiveReader, [UInt8]) = (ArchiveReader(trust: .unchecked), [])
        func add(_ header: ArchiveHeader, _ content: [UInt8]) {
            output += header.bytes + content + [UInt8](repeating: 0, count: ArchiveHeader.padding(header.size))
        }
        var content: [UInt8] = []
        do {
            for start in stride(from: 0, to: archive.count, by: pieces) {
                try reader.read(archive[start..<min(start + pieces, archive.count)]) { part in
                    switch part {
                    case .manifest(let signed):
                        let texts = [
                            (ReleaseManifest.fileName, signed.manifest.bytes),
                            (ReleaseManifest.signatureFileName, signed.signatures.bytes),
                        ]
                        for (name, text) in texts {
                            add(ArchiveHeader(path: name, size: Int64(text.count), mode: 0o644), text)
                        }
                    case .beginning: content = []
                    case .content(let bytes): content += bytes
                    case .end(let file): add(ArchiveHeader(file), content)
                    }
                }
            }
            _ = try reader.finish()
        } catch {
            return nil
        }
        return output + ArchiveHeader.end
    }

    /// The input with the right checksum in every block that looks like a header.
    private static func repaired(_ input: [UInt8]) -> [UInt8] {
        var archive = input
        for start in stride(from: 0, through: archive.count - 512, by: 512) {
            guard Array(archive[(start + 257)..<(start + 262)]) == Array("ustar".utf8) else { continue }
            let field = (start + 148)..<(start + 156)
            let sum = (start..<(start + 512)).reduce(0) { $0 + (field.contains($1) ? 32 : Int(archive[$1])) }
            let digits = String(sum, radix: 8)
            let text = String(repeating: "0", count: 6 - digits.utf8.count) + digits + "\0 "
            archive.replaceSubrange(field, with: Array(text.utf8))
        }
        return archive
    }
}
