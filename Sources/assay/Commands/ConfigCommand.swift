// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Settings

/// Shows and checks the settings.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "List every setting with its meaning, value and origin.",
        discussion: "Secrets are shown as [redacted]. Exits with 78 and lists all problems when a value is not valid."
    )

    @Flag(help: "Only check; print nothing when all is well.")
    var check = false

    @Flag(help: "Print the table of settings as Markdown, for the documentation.")
    var markdown = false

    func run() throws {
        if markdown {
            print("| Variable | Form | Default | Meaning |\n|---|---|---|---|")
            for setting in Setting.all {
                print("| `\(setting.name)` | \(setting.form) | \(setting.defaultValue ?? "") | \(setting.meaning) |")
            }
            return
        }
        let settings = try Settings.load()
        guard !check else { return }
        for setting in Setting.all {
            print("\(setting.name)=\(settings.shown(setting))")
            print("    \(setting.meaning) (\(setting.form); \(settings.origin(setting)))")
        }
    }
}
