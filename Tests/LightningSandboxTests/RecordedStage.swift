// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Bolt11
import ByteCoding
import Foundation
import LightningPrimitives
import Macaroons
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Testing

@testable import LightningSandbox

/// A sandbox in the state of the recorded network, and the names things have in it.
struct Stage: Sendable {
    private let nodes: [String: NodeCaller]
    private let replacements: [(String, String)]
    private let revoked: String
    private let paidRequest: String
    private let ownPreimage: String

    init(_ nodes: [String: NodeCaller], _ clock: TestClock, _ recordings: [String: Data]) async throws {
        self.nodes = nodes
        let alice = try #require(nodes["alice"])
        let carol = try #require(nodes["carol"])
        let bob = try #require(nodes["bob"])
        let expired = try await alice.addInvoice(["value": "7", "expiry": "1"])
        clock.advance(seconds: 2)
        let paid = try await alice.addInvoice(["value": "1000", "memo": "L402", "expiry": "3600"])
        _ = try await carol.pay(paid.request)
        let canceled = try await alice.addInvoice(["value": "5"])
        let cancel = ["payment_hash": Base64.encode(canceled.hash)]
        _ = try await alice.admin("POST", "/v2/invoices/cancel", body: cancel)
        let open = try await alice.addInvoice(["memo": "any amount"])
        let large = try await alice.addInvoice(["value": "50000000"])
        let recorded = Recordings(recordings)
        ownPreimage = try recorded.text("invoice-add-own-preimage", "request", "body", "r_preimage")
        _ = try await alice.admin("POST", "/v1/invoices", body: ["r_preimage": ownPreimage, "value": "1"])
        let bake: [String: Any] = ["permissions": [["entity": "invoices", "action": "write"]], "root_key_id": "9"]
        revoked = try await alice.admin("POST", "/v1/macaroon", body: bake).object["macaroon"] as? String ?? ""
        _ = try await alice.admin("DELETE", "/v1/macaroon/9")
        paidRequest = paid.request
        var replacements: [(String, String)] = []
        for (request, own) in [
            (try recorded.text("invoice-add", "response", "body", "payment_request"), paid),
            (try recorded.text("invoice-lookup-canceled", "response", "body", "payment_request"), canceled),
            (try recorded.text("invoice-lookup-expired", "response", "body", "payment_request"), expired),
            (try recorded.text("invoice-add-any-amount", "response", "body", "payment_request"), open),
            (try recorded.text("router-send-insufficient-balance", "request", "body", "payment_request"), large),
        ] {
            let hash = try Bolt11Invoice(parsing: request).paymentHash.bytes
            replacements.append((request, own.request))
            replacements.append((Hex.encode(hash), Hex.encode(own.hash)))
            replacements.append((Base64.encode(hash), Base64.encode(own.hash)))
            let urlSafe = Base64.encode(own.hash, alphabet: .urlSafe)
            replacements.append((Base64.encode(hash, alphabet: .urlSafe), urlSafe))
        }
        let key = try recorded.text("getinfo", "response", "body", "identity_pubkey")
        replacements.append((key, alice.info.identity.hex))
        let bobKey = try recorded.text("graph-node", "response", "body", "node", "pub_key")
        replacements.append((bobKey, bob.info.identity.hex))
        let checked = Base64.encode(Hex.decode(try alice.macaroon(.admin)) ?? [])
        replacements.append((try recorded.text("macaroon-check", "request", "body", "macaroon"), checked))
        let channels = try await alice.admin("GET", "/v1/channels").object["channels"] as? [[String: Any]]
        let channel = try #require(channels?.first?["chan_id"] as? String)
        replacements.append((try recorded.text("graph-edge", "response", "body", "channel_id"), channel))
        self.replacements = replacements
    }

    /// Puts our nodes, invoices and macaroons in the place of the recorded ones.
    ///
    /// Two exchanges change what others look at, so they get things of their own.
    func translate(_ text: String, name: String) async throws -> String {
        let text = replacements.reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
        switch name {
        case "router-send":
            let fresh = try await #require(nodes["alice"]).addInvoice(["value": "1000"])
            return text.replacingOccurrences(of: paidRequest, with: fresh.request)
        case "invoice-subscribe-single":
            let fresh = try await #require(nodes["alice"]).addInvoice(["value": "1000"])
            let old = try Bolt11Invoice(parsing: paidRequest).paymentHash.bytes
            return text.replacingOccurrences(
                of: Base64.encode(old, alphabet: .urlSafe),
                with: Base64.encode(fresh.hash, alphabet: .urlSafe)
            ).replacingOccurrences(of: paidRequest, with: fresh.request)
        case "invoice-add-own-preimage":
            return text.replacingOccurrences(of: ownPreimage, with: Base64.encode(Preimage.random().bytes))
        default: return text
        }
    }

    func replay(_ exchange: RecordedExchange) async throws {
        let node = try #require(nodes[exchange.node], "\(exchange.name)")
        let response = try await node.send(
            exchange.method,
            exchange.path,
            macaroon: try await macaroon(exchange, node),
            body: exchange.body.map { Data($0.utf8) }
        )
        #expect(Int(response.status.code) == exchange.status, "\(exchange.name)")
        for name in ["content-type", "grpc-metadata-content-type"] {
            #expect(response.headers.first(name: name) == exchange.headers[name], "\(exchange.name): \(name)")
        }
        let answer: Any
        if exchange.isStream {
            let wanted = (exchange.answer as? [Any])?.count ?? 0
            let lines = try await Self.lines(of: response, atMost: wanted) {
                if let request = Self.toPay(exchange) { _ = try await nodes["carol"]?.pay(request) }
            }
            #expect(lines.count == wanted, "\(exchange.name)")
            for (number, pair) in zip(exchange.answer as? [Any] ?? [], lines).enumerated() {
                #expect(Shape.differences(pair.0, pair.1) == [], "\(exchange.name), line \(number + 1)")
            }
            answer = lines
        } else {
            let body = try await response.body.collect(upTo: 8 << 20)
            answer = try JSONSerialization.jsonObject(with: Data(buffer: body), options: .fragmentsAllowed)
        }
        #expect(Shape.differences(exchange.answer, answer) == [], "\(exchange.name)")
        if exchange.status >= 400 { compareError(exchange, answer) }
    }

    /// The macaroon that the recording describes in words.
    private func macaroon(_ exchange: RecordedExchange, _ node: NodeCaller) async throws -> String? {
        let words = exchange.macaroon
        let invoice = try Macaroon(parsing: Hex.decode(try node.macaroon(.invoice)) ?? [])
        func narrowed(_ caveat: String) -> String { Hex.encode(invoice.adding(caveat: caveat).serialized()) }
        switch words {
        case "none": return nil
        case "admin": return try node.macaroon(.admin)
        case "readonly", "gateway-scoped": return try node.macaroon(.readonly)
        case "payer-scoped": return try node.macaroon(.pay)
        case "invoice-scoped": return try node.macaroon(.invoice)
        case "graph-scoped": return try await baked([["entity": "info", "action": "read"]])
        case "uri-scoped": return try await baked([["entity": "uri", "action": "/lnrpc.Lightning/AddInvoice"]])
        case "header 00ff00ff", "header zzzz": return String(words.dropFirst("header ".count))
        case "another node's admin macaroon": return try #require(nodes["bob"]).macaroon(.admin)
        case "baked under root key id 9, which was then deleted": return revoked
        case "last signature bit flipped":
            let bytes = invoice.serialized()
            return Hex.encode(bytes.dropLast() + [(bytes.last ?? 0) ^ 1])
        case "invoice-scoped plus a time-before caveat of a minute ago":
            return narrowed("time-before 2026-11-21T02:06:02Z")
        case "invoice-scoped plus an ipaddr caveat of another address": return narrowed("ipaddr 10.9.8.7")
        case "invoice-scoped plus an unknown caveat": return narrowed("nonsense x")
        case "invoice-scoped plus ipaddr 127.0.0.1": return narrowed("ipaddr 127.0.0.1")
        default:
            try #require(words.hasPrefix("invoice-scoped plus a time-before caveat"), "\(words)")
            return narrowed("time-before 2099-01-01T00:00:00Z")
        }
    }

    private func baked(_ permissions: [[String: String]]) async throws -> String {
        let alice = try #require(nodes["alice"])
        let answer = try await alice.admin("POST", "/v1/macaroon", body: ["permissions": permissions])
        return try #require(answer.object["macaroon"] as? String)
    }

    /// Errors are compared to the letter, but for times, which are not the recorded ones.
    private func compareError(_ exchange: RecordedExchange, _ answer: Any) {
        let recorded = Self.error(exchange.answer)
        let own = Self.error(answer)
        #expect(own.code == recorded.code, "\(exchange.name)")
        #expect(Self.withoutTime(own.message) == Self.withoutTime(recorded.message), "\(exchange.name)")
    }

    private static func error(_ answer: Any) -> (code: Int, message: String) {
        let object = ((answer as? [Any])?.first as? [String: Any])?["error"] ?? (answer as? [String: Any])?["error"]
        let error = object as? [String: Any] ?? answer as? [String: Any] ?? [:]
        return (error["code"] as? Int ?? -1, error["message"] as? String ?? "")
    }

    private static func withoutTime(_ message: String) -> String {
        message.replacing(/\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}/, with: "TIME")
    }

    /// The invoice of a recorded subscription that was paid after its first line.
    private static func toPay(_ exchange: RecordedExchange) -> String? {
        guard exchange.name == "invoice-subscribe-single" else { return nil }
        let first = (exchange.answer as? [[String: Any]])?.first?["result"] as? [String: Any]
        return first?["payment_request"] as? String
    }

    private static func lines(
        of response: HTTPClientResponse,
        atMost count: Int,
        afterFirst: () async throws -> Void
    ) async throws -> [Any] {
        var lines: [Any] = []
        var rest = Data()
        for try await buffer in response.body {
            rest.append(Data(buffer: buffer))
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(try JSONSerialization.jsonObject(with: Data(rest[..<end])))
                rest = Data(rest[(end + 1)...])
                if lines.count == 1 { try await afterFirst() }
            }
            if lines.count >= count { break }
        }
        return lines
    }
}

/// Looks texts up in the recordings.
private struct Recordings {
    private let data: [String: Data]

    init(_ data: [String: Data]) { self.data = data }

    func text(_ name: String, _ path: String...) throws -> String {
        var value: Any? = try JSONSerialization.jsonObject(with: try #require(data[name]))
        for key in path { value = (value as? [String: Any])?[key] }
        return try #require(value as? String, "\(name) \(path)")
    }
}
