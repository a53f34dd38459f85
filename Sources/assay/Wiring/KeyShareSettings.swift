// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Settings

/// Which of several nodes on a host a command is about; an option of every key share command.
struct KeyShareNodeOptions: ParsableArguments {
    @Option(
        name: .customLong("node-id"),
        help: "Number of the node: above 1 the file is ~/.oko/key_share_node_N.env."
    )
    var nodeID = 1

    @Option(name: .customLong("env-file"), help: "File of settings, instead of that in ~/.oko.")
    var environmentFile: String?

    func validate() throws {
        guard nodeID >= 1 else { throw ValidationError("--node-id begins at 1") }
    }

    /// The node's settings.
    ///
    /// - Throws: ``Failure`` that lists everything that is wrong or missing.
    func settings(requiresDatabase: Bool = true) throws -> Settings {
        let own = ProcessInfo.processInfo.environment
        var environment = own
        let path = environmentFile ?? Self.standardFile(nodeID)
        if let text = try? String(contentsOfFile: path, encoding: .utf8) {
            let known = Set(Setting.keyShareNode.flatMap { [$0.name, "\($0.name)_FILE"] })
            do throws(EnvironmentText.Malformed) {
                for (name, value) in try EnvironmentText.values(text) {
                    // The process's own environment wins, in either of a secret's two forms.
                    let forms =
                        name.hasSuffix("_FILE") && !Setting.keyShareNode.contains { $0.name == name }
                        ? [name, String(name.dropLast(5))] : [name, name + "_FILE"]
                    guard forms.allSatisfy({ own[$0] == nil }), known.contains(name) || name.hasPrefix("KS_") else {
                        continue
                    }
                    environment[name] = value
                }
            } catch {
                throw Failure(Failure.configuration, "\(path), line \(error.line): not NAME=value")
            }
        } else if environmentFile != nil || nodeID > 1 {
            throw Failure(Failure.configuration, "\(path) cannot be read")
        }
        return try Settings.keyShare(environment, requiresDatabase: requiresDatabase)
    }

    private static func standardFile(_ number: Int) -> String {
        KeyShareWiring.expanded("~/.oko/key_share_node" + (number == 1 ? "" : "_\(number)") + ".env")
    }
}

extension Settings {
    /// The settings of a key share node, complete.
    ///
    /// - Throws: ``Failure`` that lists everything that is wrong or missing.
    static func keyShare(_ environment: [String: String], requiresDatabase: Bool = true) throws -> Settings {
        var environment = environment
        // What only the compose file needs says the same again.
        for (name, other) in [
            (Setting.keySharePort.name, Setting.composePort.name),
            (Setting.okoSecretPath.name, Setting.composeSecretPath.name),
        ] where environment[name]?.isEmpty ?? true {
            environment[name] = environment[other]
        }
        var required: [Setting] = requiresDatabase ? [.databaseHost, .databaseUser, .databaseName] : []
        let isSocket = environment[Setting.databaseHost.name]?.hasPrefix("/") ?? false
        if requiresDatabase, !isSocket { required.append(.databasePassword) }
        var problems: [String] = []
        if requiresDatabase, !Self.hasSecret(environment) {
            problems.append(
                "\(Setting.keyShareRootSecret.name) is not set: the file of the root secret ('assay keyshare init' makes "
                    + "one); or \(Setting.okoSecretPath.name) of a former Oko node, or \(Setting.keyShareSealed.name)=true"
            )
        }
        let settings: Settings?
        do throws(Settings.Invalid) {
            settings = try Settings(environment: environment, table: Setting.keyShareNode, required: required)
        } catch {
            settings = nil
            problems = error.problems + problems
        }
        guard let settings, problems.isEmpty else {
            throw Failure(Failure.configuration, Settings.Invalid(problems: problems).description)
        }
        return settings
    }

    private static func hasSecret(_ environment: [String: String]) -> Bool {
        let isSealed = ["true", "yes", "on", "1"].contains(environment[Setting.keyShareSealed.name]?.lowercased() ?? "")
        let files = [Setting.keyShareRootSecret.name, Setting.okoSecretPath.name]
        return isSealed || files.contains { environment[$0]?.isEmpty == false }
    }
}
