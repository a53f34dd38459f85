// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import NIOCore
import NIOPosix
import Settings
import Testing

@testable import Mail

@Suite("Mails over SMTP")
struct SMTPMailerTests {
    private func decoded(_ received: MailServer.Received) -> [String] {
        received.message.components(separatedBy: "\r\n\r\n").dropFirst().compactMap { part in
            Base64.decode(part.components(separatedBy: "\r\n--")[0].replacing("\r\n", with: ""))
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    @Test("a mail arrives over STARTTLS after a log-in, as text and as HTML", .timeLimit(.minutes(1)))
    func startTLS() async throws {
        let message = try Samples.message()
        let received = try await MailServer.run("starttls") { server in
            try await SMTPMailer(server.server(), sender: Samples.sender()).send(message)
        }
        let mail = try #require(received.first)
        #expect(received.count == 1)
        #expect(mail.from == "signer@example.com")
        #expect(mail.to == ["user@example.org"])
        #expect(mail.tls)
        #expect(mail.login == "mailer")
        #expect(mail.header("From") == "Pomade Signer <signer@example.com>")
        #expect(mail.header("To") == "<user@example.org>")
        #expect(mail.header("Subject") == message.subject)
        #expect(mail.header("Auto-Submitted") == "auto-generated")
        #expect(mail.header("Date")?.hasSuffix(" +0000") == true)
        #expect(decoded(mail) == [message.text, message.html])
    }

    @Test("a server that begins with TLS is spoken to so", .timeLimit(.minutes(1)))
    func implicitTLS() async throws {
        let received = try await MailServer.run("tls") { server in
            let sender = try Samples.sender()
            let mailer = SMTPMailer(server.server(), sender: sender, timeout: .seconds(30), startsWithTLS: true)
            try await mailer.send(Samples.message())
            // The same server, spoken to as one that begins in plain text, gets nothing.
            let wrong = SMTPMailer(server.server(), sender: sender, timeout: .seconds(1), startsWithTLS: false)
            await #expect(throws: MailFailure.self) { try await wrong.send(Samples.message()) }
        }
        #expect(received.map(\.login) == ["mailer"])
    }

    @Test("nobody logs in without a user", .timeLimit(.minutes(1)))
    func withoutUser() async throws {
        let received = try await MailServer.run("starttls-open") { server in
            try await SMTPMailer(server.server(user: nil), sender: Samples.sender()).send(Samples.message())
        }
        #expect(received.map(\.tls) == [true])
        #expect(received.map(\.login) == [""])
    }

    @Test("a server without STARTTLS gets neither mail nor password", .timeLimit(.minutes(1)))
    func withoutTLS() async throws {
        let received = try await MailServer.run("no-starttls") { server in
            await #expect(throws: MailFailure.noTLS) {
                try await SMTPMailer(server.server(), sender: Samples.sender()).send(Samples.message())
            }
        }
        #expect(received.isEmpty)
    }

    @Test("a certificate that nobody vouches for is not accepted", .timeLimit(.minutes(1)))
    func unknownAuthority() async throws {
        let received = try await MailServer.run("starttls") { server in
            var configured = server.server()
            configured.authoritiesPath = nil
            let mailer = SMTPMailer(configured, sender: try Samples.sender())
            await #expect(throws: MailFailure.noTLS) { try await mailer.send(Samples.message()) }
        }
        #expect(received.isEmpty)
    }

    @Test("a wrong password and a refused recipient are told apart", .timeLimit(.minutes(1)))
    func refusals() async throws {
        _ = try await MailServer.run("starttls") { server in
            let mailer = SMTPMailer(server.server(password: "wrong"), sender: try Samples.sender())
            await #expect(throws: MailFailure.refusedLogin) { try await mailer.send(Samples.message()) }
        }
        _ = try await MailServer.run("refusing") { server in
            let mailer = SMTPMailer(server.server(user: nil), sender: try Samples.sender())
            await #expect(throws: MailFailure.refused(status: 550)) { try await mailer.send(Samples.message()) }
        }
    }

    @Test("plain text works on the loopback when it is asked for", .timeLimit(.minutes(1)))
    func plainText() async throws {
        let received = try await MailServer.run("plain") { server in
            var configured = server.server(user: nil)
            configured.isPlainText = true
            try await SMTPMailer(configured, sender: Samples.sender()).send(Samples.message())
        }
        #expect(received.map(\.tls) == [false])
    }

    @Test("a server that is not there is told", .timeLimit(.minutes(1)))
    func unreachable() async throws {
        // The port was free a moment ago, and the server is gone.
        let port = try await freePort()
        let gone = SMTPServer(host: "127.0.0.1", port: port)
        let mailer = SMTPMailer(gone, sender: try Samples.sender())
        await #expect(throws: MailFailure.unreachable) { try await mailer.send(Samples.message()) }
    }

    /// Runs a server that takes connections and never says a word.
    private func withSilentServer(
        _ body: (SMTPServer, _ connections: AsyncStream<Void>) async throws -> Void
    ) async throws {
        let (connections, connected) = AsyncStream<Void>.makeStream()
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                connected.yield()
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(channel.localAddress?.port)
        try await body(SMTPServer(host: "127.0.0.1", port: port), connections)
        try await channel.close()
    }

    @Test("a server that never answers is given up when the time is over", .timeLimit(.minutes(1)))
    func silence() async throws {
        try await withSilentServer { server, _ in
            let mailer = SMTPMailer(server, sender: try Samples.sender(), timeout: .milliseconds(100))
            await #expect(throws: MailFailure.timedOut) { try await mailer.send(Samples.message()) }
        }
    }

    @Test("a caller that gives up ends the conversation", .timeLimit(.minutes(1)))
    func cancellation() async throws {
        try await withSilentServer { server, connections in
            let mailer = SMTPMailer(server, sender: try Samples.sender(), timeout: .seconds(3600))
            let message = try Samples.message()
            let sending = Task { try await mailer.send(message) }
            _ = await connections.first { true }
            sending.cancel()
            await #expect(throws: MailFailure.cancelled) { try await sending.value }
        }
    }

    private func freePort() async throws -> Int {
        let (ports, entrance) = AsyncStream<Int>.makeStream()
        _ = try await MailServer.run("plain") { entrance.yield($0.port) }
        return try #require(await ports.first { _ in true })
    }

    @Test("a name and a subject outside ASCII are encoded, in words that no line is too long for")
    func encoding() throws {
        let name = "Sígner \u{2764}\u{fe0f} " + String(repeating: "ü", count: 30)
        let message = try MailMessage.oneTimePassword("1", signer: "https://s.example", to: EmailAddress("a@b.example"))
        let bytes = MIMEMessage(message, from: try Samples.sender(name), at: .distantPast).bytes
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        #expect(lines.allSatisfy { $0.utf8.count <= 100 && $0.utf8.allSatisfy { $0 < 0x7F && $0 >= 0x20 } })
        let words = lines.prefix { !$0.hasPrefix("To:") }.joined(separator: " ").matches(of: /=\?utf-8\?B\?([^?]*)\?=/)
        #expect(words.count > 1)
        let decoded = words.compactMap { Base64.decode($0.output.1).map { String(decoding: $0, as: UTF8.self) } }
        #expect(decoded.joined() == name)
    }

    @Test("no address or name that is accepted adds a line to the header")
    func injection() throws {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "a", "b", "@", ".", "\r\n", "\n", "\r", " ", "Bcc: x@y.example", "\u{0}", "\u{85}", "\u{2028}", "<", ">",
            ",", "é",
        ]
        var accepted = 0
        for _ in 0..<4000 {
            let text = (0..<Int.random(in: 3...9)).compactMap { _ in pieces.randomElement(using: &generator) }.joined()
            let address = try? EmailAddress(text)
            let sender = try? MailSender(address: EmailAddress("signer@example.com"), name: text)
            if address == nil, sender == nil { continue }
            accepted += 1
            let to = try address ?? EmailAddress("user@example.org")
            let message = MailMessage.oneTimePassword("1", signer: "https://signer.example", to: to)
            let bytes = MIMEMessage(message, from: try sender ?? Samples.sender(), at: .distantPast).bytes
            var names: [String] = []
            for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
                #expect(line.last == UInt8(ascii: "\r"))
                let content = line.dropLast()
                if content.isEmpty { break }
                #expect(!content.contains(UInt8(ascii: "\r")))
                // A line that begins with a space belongs to the one before.
                if content.first == UInt8(ascii: " ") { continue }
                names.append(String(decoding: content.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self))
            }
            let expected = [
                "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "Content-Type",
            ]
            #expect(names == expected)
        }
        #expect(accepted > 0)
    }
}
