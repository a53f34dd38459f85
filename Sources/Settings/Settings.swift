// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Configuration
internal import Foundation

/// The values of all settings, read once at start.
public struct Settings: Sendable {
    /// Everything that is wrong with the settings, all at once.
    public struct Invalid: Error, CustomStringConvertible {
        /// One sentence per problem, naming the setting and the allowed form, never the value of a secret.
        public let problems: [String]

        public init(problems: [String]) { self.problems = problems }

        public var description: String {
            "the configuration is not valid:\n" + problems.map { "  - \($0)" }.joined(separator: "\n")
                + "\n'assay config' lists every setting with its meaning."
        }
    }

    /// Where a value comes from.
    public enum Origin: Sendable, Hashable, CustomStringConvertible {
        case unset, standard
        case environment
        case file(String)
        public var description: String {
            switch self {
            case .unset: "unset"
            case .standard: "default"
            case .environment: "environment"
            case .file(let path): path
            }
        }
    }

    private struct Value {
        let text: String
        let origin: Origin
    }

    private var values: [String: Value] = [:]

    /// Reads the settings of this process's environment.
    /// - Throws: ``Invalid``.
    public init() throws(Invalid) { try self.init(environment: ProcessInfo.processInfo.environment) }

    /// Reads the settings of an environment.
    ///
    /// For every secret `NAME_FILE` is read first, then the systemd credential `NAME`, then `NAME` itself.
    /// - Parameters:
    ///   - table: the settings to read; those of a key share node have another port than those of the gateway.
    ///   - required: settings without which nothing can start.
    /// - Throws: ``Invalid`` with all problems, unknown `ASSAY_` and `KS_` variables among them.
    public init(
        environment: [String: String],
        table: [Setting] = Setting.all,
        required: [Setting] = []
    ) throws(Invalid) {
        let provider = EnvironmentVariablesProvider(
            environmentVariables: environment,
            secretsSpecifier: .specific(Set(table.filter(\.isSecret).map(\.name)))
        )
        var problems = Self.unknownNames(environment)
        for setting in table {
            do {
                guard let value = try Self.read(setting, provider) else {
                    if required.contains(setting) {
                        problems.append("\(setting.name) is not set: \(setting.meaning.firstLowercased)")
                    }
                    continue
                }
                try Self.check(value.text, setting)
                values[setting.name] = value
            } catch {
                problems.append((error as? Problem)?.text ?? "\(setting.name) cannot be read")
            }
        }
        guard problems.isEmpty else { throw Invalid(problems: problems) }
    }

    private struct Problem: Error { let text: String }

    private static func unknownNames(_ environment: [String: String]) -> [String] {
        let known = Set((Setting.all + Setting.keyShareNode).flatMap { [$0.name, "\($0.name)_FILE"] })
        let ours = environment.keys.filter { $0.hasPrefix("ASSAY_") || $0.hasPrefix("KS_") }
        return ours.filter { !known.contains($0) }.sorted()
            .map { "\($0) is not a setting" }
    }

    private static func read(_ setting: Setting, _ provider: EnvironmentVariablesProvider) throws -> Value? {
        if let path = try provider.environmentValue(forName: "\(setting.name)_FILE"), !path.isEmpty {
            return Value(text: try contents(of: path, for: setting), origin: .file(path))
        }
        if setting.isSecret, let directory = try provider.environmentValue(forName: "CREDENTIALS_DIRECTORY") {
            let path = "\(directory)/\(setting.name)"
            if FileManager.default.fileExists(atPath: path) {
                return Value(text: try contents(of: path, for: setting), origin: .file(path))
            }
        }
        if let text = try provider.environmentValue(forName: setting.name), !text.isEmpty || setting.takesEmpty {
            return Value(text: text, origin: .environment)
        }
        return setting.defaultValue.map { Value(text: $0, origin: .standard) }
    }

    private static func contents(of path: String, for setting: Setting) throws -> String {
        let manager = FileManager.default
        guard let attributes = try? manager.attributesOfItem(atPath: path), let data = manager.contents(atPath: path)
        else { throw Problem(text: "\(setting.name)_FILE: \(path) does not exist or cannot be read") }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        guard !setting.isSecret || mode & 0o077 == 0 else {
            throw Problem(text: "\(setting.name)_FILE: \(path) can be read by others; run: chmod 600 \(path)")
        }
        guard data.count <= 64 * 1024 else { throw Problem(text: "\(setting.name)_FILE: \(path) is too large") }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func check(_ text: String, _ setting: Setting) throws(Problem) {
        let isValid =
            switch setting.kind {
            case .text, .path: true
            case .secret: !["changeme", "change-me", "secret", "password"].contains(text.lowercased())
            case .integer(let range): Int(text).map(range.contains) ?? false
            case .boolean: boolean(text) != nil
            case .choice(let words): words.contains(text)
            }
        guard isValid else {
            let found = setting.isSecret ? "a placeholder" : "'\(text)'"
            throw Problem(text: "\(setting.name) is \(found); allowed: \(setting.form)")
        }
    }

    private static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }

    /// The value as text, or `nil` when it is not set and has no default.
    public func text(_ setting: Setting) -> String? { values[setting.name]?.text }

    /// The value as a number.
    public func integer(_ setting: Setting) -> Int? { text(setting).flatMap { Int($0) } }

    /// The value as a yes or no; no when it is not set.
    public func isOn(_ setting: Setting) -> Bool { text(setting).flatMap(Self.boolean) ?? false }

    /// The value as a secret.
    public func secret(_ setting: Setting) -> Secret? { text(setting).map { Secret($0) } }

    /// Where the value comes from.
    public func origin(_ setting: Setting) -> Origin { values[setting.name]?.origin ?? .unset }

    /// What may be shown of the value.
    public func shown(_ setting: Setting) -> String {
        guard let text = text(setting) else { return "" }
        return setting.isSecret ? "[redacted]" : text
    }
}

extension String {
    fileprivate var firstLowercased: String { prefix(1).lowercased() + dropFirst() }
}
