// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import DailyLogs
import Foundation
import Logging
import Settings

/// The key share node's logs: a file for each day in LOG_DIR, or standard error.
enum KeyShareLogs {
    /// Sets up logging once for the process.
    ///
    /// - Returns: the first logger, and the file that SIGHUP opens anew.
    /// - Throws: ``Failure`` when LOG_DIR cannot be written.
    static func start(_ settings: Settings) throws -> (logger: Logger, file: DailyLogFile?) {
        let format = LineLogHandler.Format(rawValue: settings.text(.keyShareLogFormat) ?? "") ?? .text
        let level = Self.level(settings.text(.keyShareLogLevel) ?? "info")
        var file: DailyLogFile?
        if let directory = settings.text(.keyShareLogDirectory) {
            do throws(DailyLogFile.NotWritable) {
                file = try DailyLogFile(directory: KeyShareWiring.expanded(directory), prefix: "ksnode")
            } catch {
                throw Failure(Failure.configuration, "\(Setting.keyShareLogDirectory.name): \(error)")
            }
        }
        let log = file
        LoggingSystem.bootstrap { _ in
            LineLogHandler(format: format, level: level) { line in
                if let log { log.write(line) } else { Terminal.note(line) }
            }
        }
        return (Logger(label: "assay.keyshare"), file)
    }

    /// The level of a name, of ours and of Oko's.
    static func level(_ name: String) -> Logger.Level {
        switch name {
        case "warn": .warning
        case "http", "verbose": .debug
        case "silly": .trace
        default: Logger.Level(rawValue: name) ?? .info
        }
    }
}
