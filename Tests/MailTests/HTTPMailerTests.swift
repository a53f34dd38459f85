// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Settings
import Synchronization
import Testing

@testable import Mail

@Suite("Mails over HTTP")
struct HTTPMailerTests {
    /// What a provider was sent.
    struct Call: Sendable {
        let method, path, contentType: String
        let headers: HTTPFields
        let body: [UInt8]

        var json: NSDictionary? { try? JSONSerialization.jsonObject(with: Data(body)) as? NSDictionary }
    }

    /// Runs a provider that answers with a status; returns what it was sent.
    private func calls(
        _ provider: MailProvider,
        status: HTTPResponse.Status = .ok,
        _ send: @escaping @Sendable (HTTPMailer) async throws -> Void
    ) async throws -> [Call] {
        let calls = Mutex<[Call]>([])
        let router = Router()
        router.post("/**") { request, _ in
            let body = try await request.body.collect(upTo: 65536)
            let call = Call(
                method: request.method.rawValue,
                path: request.uri.string,
                contentType: request.headers[.contentType] ?? "",
                headers: request.headers,
                body: Array(body.readableBytesView)
            )
            calls.withLock { $0.append(call) }
            return Response(status: status, body: .init(byteBuffer: ByteBuffer(string: "user@example.org is bad")))
        }
        let (ports, found) = AsyncStream<Int>.makeStream()
        let server = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in found.yield(channel.localAddress?.port ?? 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let sender = try Samples.sender()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            for await port in ports {
                let base = "http://127.0.0.1:\(port)"
                try await send(HTTPMailer(MailConfiguration(provider: provider, sender: sender, baseURL: base)))
                break
            }
            group.cancelAll()
        }
        return calls.withLock { $0 }
    }

    private func call(_ provider: MailProvider) async throws -> Call {
        let message = try Samples.message()
        let calls = try await calls(provider) { try await $0.send(message) }
        #expect(calls.count == 1)
        return try #require(calls.first)
    }

    @Test("Postmark is asked in its own form")
    func postmark() async throws {
        let call = try await call(.postmark(token: Secret("pm-token")))
        let message = try Samples.message()
        #expect(call.path == "/email")
        #expect(call.contentType == "application/json")
        #expect(call.headers[.accept] == "application/json")
        #expect(call.headers[try #require(HTTPField.Name("X-Postmark-Server-Token"))] == "pm-token")
        #expect(call.headers[.authorization] == nil)
        let expected: NSDictionary = [
            "From": "Pomade Signer <signer@example.com>", "To": "user@example.org", "Subject": message.subject,
            "TextBody": message.text, "HtmlBody": message.html,
        ]
        #expect(call.json == expected)
    }

    @Test("SendGrid is asked in its own form")
    func sendgrid() async throws {
        let call = try await call(.sendgrid(key: Secret("sg-key")))
        let message = try Samples.message()
        #expect(call.path == "/v3/mail/send")
        #expect(call.contentType == "application/json")
        #expect(call.headers[.authorization] == "Bearer sg-key")
        let expected: NSDictionary = [
            "personalizations": [["to": [["email": "user@example.org"]]]],
            "from": ["email": "signer@example.com", "name": "Pomade Signer"], "subject": message.subject,
            "content": [
                ["type": "text/plain", "value": message.text], ["type": "text/html", "value": message.html],
            ],
        ]
        #expect(call.json == expected)
    }

    @Test("Mailgun is asked in its own form", arguments: [false, true])
    func mailgun(isEuropean: Bool) async throws {
        let call = try await call(.mailgun(key: Secret("mg-key"), domain: "mg.example.com", isEuropean: isEuropean))
        let message = try Samples.message()
        #expect(call.path == "/v3/mg.example.com/messages")
        #expect(call.contentType == "application/x-www-form-urlencoded")
        #expect(call.headers[.authorization] == "Basic " + Base64.encode(Array("api:mg-key".utf8)))
        let fields = String(decoding: call.body, as: UTF8.self).split(separator: "&").map { field in
            field.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? "" }
        }
        #expect(
            fields == [
                ["from", "Pomade Signer <signer@example.com>"], ["to", "user@example.org"],
                ["subject", message.subject], ["text", message.text], ["html", message.html],
            ]
        )
    }

    @Test("SendLayer is asked in its own form")
    func sendlayer() async throws {
        let call = try await call(.sendlayer(key: Secret("sl-key")))
        let message = try Samples.message()
        #expect(call.path == "/api/v1/email")
        #expect(call.contentType == "application/json")
        #expect(call.headers[.authorization] == "Bearer sl-key")
        let expected: NSDictionary = [
            "From": ["Email": "signer@example.com", "Name": "Pomade Signer"],
            "To": [["Email": "user@example.org"]], "Subject": message.subject, "TextBody": message.text,
            "HtmlBody": message.html,
        ]
        #expect(call.json == expected)
    }

    @Test("Resend is asked in its own form")
    func resend() async throws {
        let call = try await call(.resend(key: Secret("re-key")))
        let message = try Samples.message()
        #expect(call.path == "/emails")
        #expect(call.contentType == "application/json")
        #expect(call.headers[.authorization] == "Bearer re-key")
        let expected: NSDictionary = [
            "from": "Pomade Signer <signer@example.com>", "to": ["user@example.org"], "subject": message.subject,
            "text": message.text, "html": message.html,
        ]
        #expect(call.json == expected)
    }

    @Test("each provider has its own host, and Mailgun one per region")
    func hosts() throws {
        let message = try Samples.message()
        let key = Secret("k")
        let hosts: [(MailProvider, String)] = [
            (.postmark(token: key), "https://api.postmarkapp.com/email"),
            (.sendgrid(key: key), "https://api.sendgrid.com/v3/mail/send"),
            (
                .mailgun(key: key, domain: "d.example", isEuropean: false),
                "https://api.mailgun.net/v3/d.example/messages"
            ),
            (
                .mailgun(key: key, domain: "d.example", isEuropean: true),
                "https://api.eu.mailgun.net/v3/d.example/messages"
            ),
            (.sendlayer(key: key), "https://console.sendlayer.com/api/v1/email"),
            (.resend(key: key), "https://api.resend.com/emails"),
        ]
        for (provider, url) in hosts {
            let configuration = MailConfiguration(provider: provider, sender: try Samples.sender())
            #expect(ProviderRequest(message, configuration)?.url == url)
        }
    }

    @Test("every 2xx is a success and nothing else is", arguments: [200, 202, 204, 302, 400, 401, 429, 500])
    func statuses(_ code: Int) async throws {
        let message = try Samples.message()
        _ = try await calls(.resend(key: Secret("k")), status: .init(code: code)) { mailer in
            if (200..<300).contains(code) {
                try await mailer.send(message)
            } else {
                let error = await #expect(throws: MailFailure.refused(status: code)) { try await mailer.send(message) }
                #expect(error.map { "\($0)" }?.contains("example.org") == false)
            }
        }
    }

    @Test("a provider that is not there is told")
    func unreachable() async throws {
        let configuration = MailConfiguration(
            provider: .resend(key: Secret("k")),
            sender: try Samples.sender(),
            // Nothing listens on the discard port.
            baseURL: "http://127.0.0.1:9"
        )
        let mailer = HTTPMailer(configuration)
        await #expect(throws: MailFailure.self) { try await mailer.send(Samples.message()) }
    }
}
