// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import PackagePlugin

/// Writes the files of `migrations/` and of the directories in it into a Swift source of the target, so that the binary carries them.
@main
struct EmbedMigrations: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
        let directory = context.package.directoryURL.appending(path: "migrations")
        // The lists of schemas of their own lie in directories below.
        let files = (FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)?.allObjects ?? [])
            .compactMap { $0 as? URL }.filter { $0.pathExtension == "sql" }
        let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedMigrations.swift")
        return [
            .buildCommand(
                displayName: "Embedding the migrations",
                executable: try context.tool(named: "MigrationEmbedder").url,
                arguments: [output.path(), directory.path()],
                // The package manager calls this plugin again only when a manifest or a list of sources changes: after
                // adding or removing a file, touch Package.swift. A test compares the result with the directory.
                inputFiles: files,
                outputFiles: [output]
            )
        ]
    }
}
