// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import ByteCoding
import Foundation
import KeyShareServer
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Settings

extension KeyShareCommand {
    /// Gives a sealed node a piece of its root secret.
    struct Unseal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a sealed node a piece of its root secret.",
            discussion: """
                Each holder of a piece runs it, on the node's machine or through a tunnel to KS_ADMIN_LISTEN. The piece is \
                asked for without being shown, or taken from the first line of a pipe; it is never an argument. The \
                administrator's key comes from KS_ADMIN_KEY, or the password is asked for after the piece.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions

        @Option(help: "The administrator's address. [default: that of KS_ADMIN_LISTEN]")
        var url: String?

        func run() async throws {
            let settings = try node.settings(requiresDatabase: false)
            guard let piece = Terminal.secret("Piece: ")?.trimmingCharacters(in: .whitespaces), !piece.isEmpty else {
                throw Failure(Failure.usage, "no piece was given")
            }
            var body = ["piece": piece]
            let key = settings.secret(.keyShareAdminKey)?.text
            if key == nil { body["password"] = Terminal.secret("Administrator's password: ") ?? "" }
            let answer = try await KeyShareNodeClient(url ?? KeyShareNodeClient.administration(settings), key: key)
                .post("/admin/v1/unseal", body, UnsealAnswer.self)
            Terminal.say(
                answer.sealed
                    ? "\(answer.given) of \(answer.needed) pieces given; the node is still sealed"
                    : "the node is unsealed"
            )
        }

        private struct UnsealAnswer: Decodable {
            let given, needed: Int
            let sealed: Bool
        }
    }

    /// Asks a node how it is.
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask a node how it is; exit 69 when it does not serve.",
            discussion: "Prints what /status says. Needs no secrets."
        )

        @OptionGroup var node: KeyShareNodeOptions

        @Option(help: "The node's address. [default: http://127.0.0.1:PORT]")
        var url: String?

        @Flag(help: "Print nothing; only the exit code tells.")
        var quiet = false

        func run() async throws {
            var base = url ?? ""
            if base.isEmpty {
                let settings = try node.settings(requiresDatabase: false)
                base = "http://127.0.0.1:\(settings.integer(.keySharePort) ?? 4201)"
            }
            let (status, text) = try await KeyShareNodeClient(base, key: nil).get("/status?ready=1")
            if !quiet {
                let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
                guard let object else { throw Failure(Failure.unavailable, "\(base) is no key share node") }
                for (name, value) in object.sorted(by: { $0.key < $1.key }) {
                    Terminal.say("\(name): \(Self.shown(value))")
                }
            }
            guard status == 200 else {
                throw Failure(Failure.unavailable, quiet ? "the node does not serve" : "share routes do not serve now")
            }
        }

        /// A value as JSON, but for texts and for what is not there.
        private static func shown(_ value: Any) -> String {
            switch value {
            case let text as String: return text
            case is NSNull: return "-"
            default:
                let options: JSONSerialization.WritingOptions = [
                    .fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes,
                ]
                let data = try? JSONSerialization.data(withJSONObject: value, options: options)
                return data.map { String(decoding: $0, as: UTF8.self) } ?? "?"
            }
        }
    }
}

/// Asks a node as its operator does.
struct KeyShareNodeClient {
    private let base: String
    private let key: String?

    init(_ base: String, key: String?) {
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.key = key
    }

    /// Where the settings have the administrator's routes.
    static func administration(_ settings: Settings) -> String {
        let listen = settings.text(.keyShareAdminListen) ?? ""
        guard let address = KeyShareServerConfiguration.Address(listen) else {
            return "http://127.0.0.1:\(settings.integer(.keySharePort) ?? 4201)"
        }
        let host = ["0.0.0.0", "::"].contains(address.host) ? "127.0.0.1" : address.host
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(address.port)"
    }

    func get(_ path: String) async throws -> (status: Int, text: String) {
        try await send(HTTPClientRequest(url: base + path))
    }

    /// - Throws: ``Failure`` with the node's own words.
    func post<Answer: Decodable>(_ path: String, _ body: [String: String], _: Answer.Type) async throws -> Answer {
        var request = HTTPClientRequest(url: base + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let key { request.headers.add(name: "Authorization", value: "Bearer " + key) }
        request.body = .bytes(ByteBuffer(data: try JSONEncoder().encode(body)))
        let (status, text) = try await send(request)
        let data = Data(text.utf8)
        if status == 200, let success = try? JSONDecoder().decode(Success<Answer>.self, from: data) {
            return success.data
        }
        let refusal = try? JSONDecoder().decode(Refusal.self, from: data)
        let code =
            switch status {
            case 401: Failure.refused
            case 400: Failure.unreadable
            default: Failure.unavailable
            }
        throw Failure(
            code,
            refusal.map { "\($0.msg) (\($0.code))" } ?? "\(base)\(path) answered \(status)"
        )
    }

    private struct Success<Answer: Decodable>: Decodable {
        let data: Answer
    }

    private struct Refusal: Decodable {
        let code, msg: String
    }

    private func send(_ request: HTTPClientRequest) async throws -> (status: Int, text: String) {
        guard let url = URL(string: base), ["http", "https"].contains(url.scheme), url.host?.isEmpty == false else {
            throw Failure(Failure.usage, "'\(base)' is not an address such as http://127.0.0.1:4201")
        }
        var configuration = HTTPClient.Configuration.singletonConfiguration
        // Nobody waits for a node that is not there; a rotation takes its time.
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let response = try await client.execute(request, timeout: .seconds(60))
            let body = try await response.body.collect(upTo: 1 << 20)
            try? await client.shutdown()
            return (Int(response.status.code), String(buffer: body))
        } catch {
            try? await client.shutdown()
            throw Failure(Failure.unavailable, "\(base) does not answer: \(error)")
        }
    }
}
