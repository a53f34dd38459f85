// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Settings
import Testing

@Suite("Settings")
struct SettingsTests {
    @Test("defaults hold when nothing is set")
    func defaults() throws {
        let settings = try Settings(environment: [:])
        #expect(settings.integer(.port) == 3000)
        #expect(settings.text(.databaseURL) == nil)
        #expect(settings.origin(.port) == .standard)
    }

    @Test("all problems are reported at once, and no secret is quoted")
    func problems() {
        do {
            _ = try Settings(environment: [
                "PORT": "70000", "LOG_LEVEL": "loud", "ASSAY_TYPO": "1", "API_KEY": "changeme",
            ])
            Issue.record("accepted")
        } catch {
            #expect(error.problems.count == 4)
            #expect(error.problems.contains { $0.contains("PORT") && $0.contains("0...65535") })
            #expect(error.problems.contains { $0.contains("ASSAY_TYPO") })
            #expect(!error.description.contains("changeme"))
        }
    }

    @Test("a secret is read from its file, which others must not read")
    func files() throws {
        let path = NSTemporaryDirectory() + "assay-secret-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let isCreated = FileManager.default.createFile(
            atPath: path,
            contents: Data("from the file\n".utf8),
            attributes: [.posixPermissions: 0o600]
        )
        #expect(isCreated)
        let environment = ["API_KEY_FILE": path, "API_KEY": "from the environment"]
        let settings = try Settings(environment: environment)
        #expect(settings.secret(.apiKey)?.text == "from the file")
        #expect("\(settings.secret(.apiKey) as Any)".contains("redacted"))
        #expect(settings.shown(.apiKey) == "[redacted]")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(throws: Settings.Invalid.self) { try Settings(environment: environment) }
    }

    @Test("every setting has a unique name, a meaning and a default of its own form")
    func table() throws {
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        #expect(Setting.all.allSatisfy { $0.meaning.hasSuffix(".") })
    }
}
