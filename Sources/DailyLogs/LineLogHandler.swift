// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import Logging

/// Logs one line per message: `<ISO time> <level>: <message>`, or JSON.
public struct LineLogHandler: LogHandler {
    /// The form of a line.
    public enum Format: String, Sendable, Hashable {
        /// `2026-01-31T23:59:59.123Z info: listening http.port=4201`
        case text
        /// An object with `time`, `level`, `message` and the metadata.
        case json
    }

    public var metadata: Logger.Metadata = [:]
    public var logLevel: Logger.Level

    private let format: Format
    private let write: @Sendable (String) -> Void
    private let time: @Sendable () -> String

    /// - Parameters:
    ///   - time: the text of the time now.
    ///   - write: takes a line without its end.
    public init(
        format: Format,
        level: Logger.Level,
        time: @escaping @Sendable () -> String = { UTCText.now() },
        write: @escaping @Sendable (String) -> Void
    ) {
        self.format = format
        logLevel = level
        self.time = time
        self.write = write
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let level = Self.name(event.level)
        switch format {
        case .text:
            let extras = all.map { " \($0.key)=\(Self.oneLine("\($0.value)"))" }.joined()
            write("\(time()) \(level): \(Self.oneLine("\(event.message)"))\(extras)")
        case .json:
            var members: [String: String] = [:]
            for (key, value) in all { members[key] = "\(value)" }
            members["time"] = time()
            members["level"] = level
            members["message"] = "\(event.message)"
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            guard let data = try? encoder.encode(members) else { return }
            write(String(decoding: data, as: UTF8.self))
        }
    }

    /// The names that Oko's operators look for.
    private static func name(_ level: Logger.Level) -> String {
        switch level {
        case .trace: "silly"
        case .debug: "debug"
        case .info, .notice: "info"
        case .warning: "warn"
        case .error, .critical: "error"
        }
    }

    /// A message must not look like two.
    private static func oneLine(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
        return String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : Character($0) })
    }
}
