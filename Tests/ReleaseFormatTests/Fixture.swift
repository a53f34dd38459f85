// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import ReleaseFormat
import Testing

/// One release whose texts, signatures and archive were made by other programs; see the comment in the file.
struct Fixture {
    struct Key: Decodable {
        let seed: String
        let publicKey: String
        let id: String
        let signature: String
    }

    private struct Contents: Decodable {
        let keys: [Key]
        let manifest: String
        let archive: Data
    }

    let keys: [Key]
    let manifest: [UInt8]
    let archive: [UInt8]

    init() throws {
        let url = try #require(Bundle.module.url(forResource: "Vectors/release", withExtension: "json"))
        let contents = try JSONDecoder().decode(Contents.self, from: try Data(contentsOf: url))
        keys = contents.keys
        manifest = Array(contents.manifest.utf8)
        archive = Array(contents.archive)
    }

    /// Trusts the keys of these indices.
    func trusting(_ indices: Int..., threshold: Int = 1) throws -> TrustedKeys {
        let lines = indices.map { "ed25519 \(keys[$0].publicKey) key-\($0)\n" }.joined()
        return try TrustedKeys(parsing: Array("threshold \(threshold)\n\(lines)".utf8))
    }

    func signingKey(_ index: Int) throws -> ReleaseSigningKey {
        let seed = try #require(Hex.decode(keys[index].seed))
        return try #require(ReleaseSigningKey(seed: seed))
    }

    /// Reads an archive in pieces of a size; gives the manifest and the contents of its files.
    static func read(
        _ archive: [UInt8],
        _ trust: ArchiveReader.Trust,
        pieces: Int = 4096
    ) throws -> (SignedManifest, [String: [UInt8]]) {
        var reader = ArchiveReader(trust: trust)
        var (files, open): ([String: [UInt8]], String?) = ([:], nil)
        for start in stride(from: 0, to: archive.count, by: pieces) {
            try reader.read(archive[start..<min(start + pieces, archive.count)]) { part in
                switch part {
                case .manifest: break
                case .beginning(let file):
                    #expect(open == nil)
                    open = file.path
                    files[file.path] = []
                case .content(let bytes): files[open ?? "", default: []] += bytes
                case .end(let file):
                    #expect(open == file.path)
                    open = nil
                }
            }
        }
        return (try reader.finish(), files)
    }

    /// An archive of any entries, well formed or not.
    static func archive(_ entries: [(header: [UInt8], content: [UInt8])]) -> [UInt8] {
        entries.flatMap {
            $0.header + $0.content + [UInt8](repeating: 0, count: ArchiveHeader.padding(Int64($0.content.count)))
        } + ArchiveHeader.end
    }
}

/// The code of the error that a body throws, or `nil`.
func code(_ body: () throws -> Void) -> ReleaseError.Code? {
    do {
        try body()
        return nil
    } catch {
        return (error as? ReleaseError)?.code
    }
}
