// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Logging
import Settings

/// Structured logs on standard error, one line each.
enum Logs {
    /// Sets up logging once for the process and returns its first logger.
    static func start(_ label: String, level: Logger.Level) -> Logger {
        LoggingSystem.bootstrap { name in
            var handler = StreamLogHandler.standardError(label: name)
            handler.logLevel = level
            return handler
        }
        return Logger(label: label)
    }

    /// The level that the settings ask for.
    static func level(_ settings: Settings) -> Logger.Level {
        settings.text(.logLevel).flatMap(Logger.Level.init(rawValue:)) ?? .info
    }
}

extension Settings {
    /// The settings of this process, or a failure that lists every problem.
    static func load() throws -> Settings {
        do { return try Settings() } catch { throw Failure(Failure.configuration, error.description) }
    }
}
