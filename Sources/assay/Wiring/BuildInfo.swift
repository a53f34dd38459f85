// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Which build this is; the commit and date come from `build-info.json` beside the program, written by the build.
struct BuildInfo: Codable, Sendable {
    var version = "0.1.0"
    var commit = "unknown"
    var buildDate = "unknown"

    var summary: String { "assay \(version) (commit \(commit), built \(buildDate))" }

    static let current: BuildInfo = {
        let path = ProgramFiles.executable.deletingLastPathComponent().appendingPathComponent("build-info.json")
        guard let data = try? Data(contentsOf: path), let info = try? JSONDecoder().decode(BuildInfo.self, from: data)
        else { return BuildInfo() }
        return info
    }()
}

/// Where the program and the files that ship with it are.
enum ProgramFiles {
    /// This program's file.
    static var executable: URL {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: link ?? CommandLine.arguments[0]).resolvingSymlinksInPath()
    }

    /// The graph snapshot that ships with the program: in `share/assay` of an installation, or in the source tree.
    static var graphSnapshot: String? {
        let name = "mainnet-2026-02-03.graph.json.gz"
        var directory = executable.deletingLastPathComponent()
        for _ in 0..<5 {
            for place in ["share/assay/\(name)", "Examples/graph/\(name)"] {
                let path = directory.appendingPathComponent(place).path
                if FileManager.default.fileExists(atPath: path) { return path }
            }
            directory.deleteLastPathComponent()
        }
        return nil
    }
}
