// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Settings
import Subprocess
import Synchronization
import SystemPackage
import TLSTestSupport
import Testing

@testable import Mail

/// Python's mail server, aiosmtpd, as a process.
struct MailServer {
    /// A mail as the server saw it.
    struct Received: Decodable {
        let from: String
        let to: [String]
        let tls: Bool
        let login: String
        let message: String

        func header(_ name: String) -> String? {
            message.components(separatedBy: "\r\n\r\n")[0].components(separatedBy: "\r\n")
                .first { $0.hasPrefix("\(name): ") }?.dropFirst(name.count + 2).description
        }
    }

    let port: Int
    let authoritiesPath: String

    func server(user: String? = "mailer", password: String = "open sesame") -> SMTPServer {
        SMTPServer(
            host: "localhost",
            port: port,
            user: user,
            password: user == nil ? nil : Secret(password),
            authoritiesPath: authoritiesPath
        )
    }

    /// Runs a server while the body runs; returns what it received.
    static func run(_ mode: String, _ body: @Sendable (MailServer) async throws -> Void) async throws -> [Received] {
        let directory = FileManager.default.temporaryDirectory.appending(path: "mail-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let authority = try TestAuthority(serverName: "localhost")
        func write(_ name: String, _ text: String) throws -> String {
            let file = directory.appending(path: name)
            try text.write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }
        let authorities = try write("authority.pem", authority.authorityPEM)
        let script = try #require(
            Bundle.module.url(forResource: "smtp_server", withExtension: "py", subdirectory: "Fixtures")
        )
        let arguments = [
            script.path, mode, try write("certificate.pem", authority.certificatePEM),
            try write("key.pem", authority.keyPEM),
        ]
        return try await Subprocess.run(
            .path("/usr/bin/python3"),
            arguments: Arguments(arguments),
            input: .inputWriter,
            output: .sequence,
            error: .discarded
        ) { execution in
            var lines = execution.standardOutput.strings().makeAsyncIterator()
            let first = try #require(try await lines.next(), "aiosmtpd did not start")
            let port = try JSONDecoder().decode([String: Int].self, from: Data(first.utf8))["port"]
            try await body(MailServer(port: try #require(port), authoritiesPath: authorities))
            try await execution.standardInputWriter.finish()
            var received: [Received] = []
            while let line = try await lines.next() {
                received.append(try JSONDecoder().decode(Received.self, from: Data(line.utf8)))
            }
            return received
        }.closureResult
    }
}

enum Samples {
    static func sender(_ name: String = "Pomade Signer") throws -> MailSender {
        try MailSender(address: EmailAddress("signer@example.com"), name: name)
    }

    static func message(_ code: String = "1234567890") throws -> MailMessage {
        try .oneTimePassword(code, signer: "https://signer.example", to: EmailAddress("user@example.org"))
    }
}

/// Keeps what is logged.
final class LogKeeper: Sendable {
    private let kept = Mutex<[String]>([])
    var lines: [String] { kept.withLock { $0 } }
    var logger: Logger { Logger(label: "mail") { _ in Handler(keeper: self) } }

    private struct Handler: LogHandler {
        let keeper: LogKeeper
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            keeper.kept.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
