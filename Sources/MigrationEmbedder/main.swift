// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Called by the build: MigrationEmbedder OUTPUT.swift DIRECTORY

import Foundation

/// A complaint that ends the build.
struct Refusal: Error, CustomStringConvertible {
    let description: String
}

/// A migration file called `NNNN_name.sql`.
struct MigrationFile {
    let id: Int
    let name: String
    let sql: String

    init(_ url: URL) throws {
        guard let match = try /(\d{4})_([a-z0-9_]+)\.sql/.wholeMatch(in: url.lastPathComponent), let id = Int(match.1)
        else {
            throw Refusal(description: "error: \(url.path): a migration is called NNNN_name.sql")
        }
        self.id = id
        name = String(match.2)
        sql = try String(contentsOf: url, encoding: .utf8)
    }

    /// The migration as a Swift expression; the delimiter has more number signs than any run in the text.
    var source: String {
        let longestRun = sql.split { $0 != "#" }.map(\.count).max() ?? 0
        let fence = String(repeating: "#", count: longestRun + 1)
        return "    Migration(id: \(id), name: \"\(name)\", sql: \(fence)\"\"\"\n\(sql)\n\"\"\"\(fence)),\n"
    }
}

/// The files of one directory as a Swift list.
func list(_ name: String, _ directory: URL) throws -> String {
    let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        .filter { $0.pathExtension == "sql" }
        .map { try MigrationFile($0) }
        .sorted { $0.id < $1.id }
    for (file, next) in zip(files, files.dropFirst()) where file.id == next.id {
        throw Refusal(description: "error: migrations \(file.name) and \(next.name) have the same number")
    }
    return "let \(name): [Migration] = [\n\(files.map(\.source).joined())]\n"
}

do {
    guard CommandLine.arguments.count == 3 else { throw Refusal(description: "error: expected OUTPUT and DIRECTORY") }
    let directory = URL(filePath: CommandLine.arguments[2])
    let schemas = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        .filter(\.hasDirectoryPath).map(\.lastPathComponent).sorted()
    let lists =
        [try list("embeddedMigrations", directory)]
        + (try schemas.map { try list("embedded\($0.capitalized)Migrations", directory.appending(path: $0)) })
    let text = "// Made by MigrationEmbedder from migrations/.\n\n" + lists.joined(separator: "\n")
    try Data(text.utf8).write(to: URL(filePath: CommandLine.arguments[1]), options: .atomic)
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
