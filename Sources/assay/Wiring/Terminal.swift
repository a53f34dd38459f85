// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// What people read: answers on standard output, everything else on standard error.
enum Terminal {
    /// Whether somebody can answer a question.
    static var isInteractive: Bool { isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 }

    /// Writes a line of the answer at once: a pipe's reader should not wait for a buffer to fill.
    static func say(_ text: String) { write(Data((text + "\n").utf8), to: .standardOutput) }

    /// Writes an answer as it is.
    static func say(_ bytes: Data) { write(bytes, to: .standardOutput) }

    private static let lost = Atomic(false)
    /// Whether an answer could not be written, as on a full disk.
    ///
    /// A reader that has gone wants no more, and lost nothing.
    static var hasLostOutput: Bool { lost.load(ordering: .relaxed) }

    /// Writes rows with aligned columns; the last column is as wide as it is.
    static func table(_ rows: [[String]]) {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
        for row in rows {
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
            }
            say(cells.joined(separator: "  "))
        }
    }

    /// Writes a value as JSON with sorted members.
    static func say(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        say(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    static func note(_ text: String) { write(text + "\n") }

    static func error(_ text: String) { write("assay: \(text)\n") }

    /// Asks a yes-or-no question; anything but yes is no.
    static func confirm(_ question: String) -> Bool {
        write("\(question) [y/N] ")
        let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased()
        return answer == "y" || answer == "yes"
    }

    /// Asks for a line without showing what is typed; from a pipe it takes the next line without asking.
    static func secret(_ question: String) -> String? {
        var shown = termios()
        guard isInteractive, tcgetattr(STDIN_FILENO, &shown) == 0 else { return readLine() }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        write(question)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
            write("\n")
        }
        return readLine()
    }

    private static func write(_ text: String) { write(Data(text.utf8), to: .standardError) }

    private static func write(_ bytes: Data, to file: FileHandle) {
        do { try file.write(contentsOf: bytes) } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
            let isGone = cause.domain == NSPOSIXErrorDomain && cause.code == Int(EPIPE)
            if file === FileHandle.standardOutput, !isGone { lost.store(true, ordering: .relaxed) }
        }
    }
}
