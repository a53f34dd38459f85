// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Gate
import HTTPTypes
import Ledger
import LightningPrimitives
import NIOCore
import PostgresTestSupport
import Roughtime
import Testing
import TimeArchive
import TimeStamping
import TimeTestSupport

@testable import Gateway

@Suite("Stamps over HTTP")
struct StampRouteTests {
    private func request(_ body: String) -> APIRequest {
        APIRequest(
            id: "1",
            method: .post,
            path: "/v1/time/stamp",
            target: "/v1/time/stamp",
            headers: [.contentType: "application/json"],
            authority: nil,
            body: ByteBuffer(string: body),
            client: nil,
            isLocal: true,
            parameters: [:],
            query: [:]
        )
    }

    private func route(_ server: TestTimeServer, price: MilliSatoshi = .zero) throws -> APIRoute {
        let stamper = Stamper(publicKey: server.publicKey) { server.answer($0) }
        let desk = StampDesk(stamper: stamper, prices: .init(stamp: price))
        return try #require(APIRoute.stamps(desk).first { $0.path == "/v1/time/stamp" })
    }

    private func serve(_ route: APIRoute, _ body: String) async throws -> APIResponse {
        guard case .free(let handler) = route.access else {
            Issue.record("not free")
            return APIResponse()
        }
        return try await handler(request(body))
    }

    private static let digest = String(repeating: "ab", count: 32)

    @Test("the answer is the proof as a document of its own, for the digest asked for")
    func proof() async throws {
        let server = try TestTimeServer(now: 1_790_000_000_000_000)
        let answer = try await serve(route(server), "{\"digest\": \"\(Self.digest)\"}")
        #expect(answer.headers[.contentType] == "application/json" && answer.headers[.cacheControl] == "no-store")
        let proof = try TimeProof(json: Data(answer.body.readableBytesView))
        #expect(proof.digest == [UInt8](repeating: 0xab, count: 32))
        #expect(throws: Never.self) { try proof.verify(trustedKeys: [server.publicKey]) }
    }

    @Test(
        "what is no digest is refused before anything is sold",
        arguments: [
            "", "{}", "[]", "null", "{\"digest\": 1}", "{\"digest\": null}", "{\"digest\": \"\"}",
            "{\"digest\": \"\(String(repeating: "a", count: 63))\"}",
            "{\"digest\": \"\(String(repeating: "a", count: 65))\"}",
            "{\"digest\": \"\(String(repeating: "g", count: 64))\"}",
            "{\"digest\": \"0x\(String(repeating: "a", count: 62))\"}",
            "{\"digest\": \"\(String(repeating: "é", count: 32))\"}",
        ]
    )
    func malformed(_ body: String) throws {
        let server = try TestTimeServer(now: 0)
        guard case .paid(let product, let prepare) = try route(server, price: .sat(1)).access else {
            Issue.record("not paid")
            return
        }
        #expect(product.capability == "stamp" && product.price == .sat(1))
        do {
            _ = try prepare(request(body))
            Issue.record("taken")
        } catch let error as APIError {
            #expect(error.code.status == .badRequest)
        }
        #expect(server.answered == 0)
    }

    @Test(
        "while the time server signs nothing the answer is 503 with the reason and the time to wait",
        arguments: [
            (DropReason.unsynchronised, APIError.Code.unsynchronised), (.noDelegation, .noDelegation),
            (.stale, .serviceUnavailable), (.srv, .serviceUnavailable),
        ]
    )
    func unavailable(_ reason: DropReason, _ code: APIError.Code) async throws {
        let server = try TestTimeServer(now: 0)
        server.failure = reason
        do {
            _ = try await serve(route(server), "{\"digest\": \"\(Self.digest)\"}")
            Issue.record("served")
        } catch let error as APIError {
            #expect(error.code == code && error.code.status == .serviceUnavailable)
            #expect(error.headers[.retryAfter] != nil)
        }
    }

    @Test("a stamped score is sold with the answer it names, and what is not stamped is not sold")
    func archive() async throws {
        try await TestDatabase.withMigrated { client in
            let server = try TestTimeServer(now: 1_790_000_000_000_000)
            let stamper = Stamper(publicKey: server.publicKey) { server.answer($0) }
            let archive = ScoreArchive(client: client)
            let node = [UInt8](repeating: 0x0f, count: 32)
            let document = #"{"after":"…","score":1}"#
            let scores = ScoreSource {
                ScoreSource.Edition(version: 1) {
                    [StampableScore(node: node, content: { [1] }, document: { _ in Array(document.utf8) })]
                }
            }
            let service = ScoreStamper(
                stamper: stamper,
                archive: archive,
                source: scores,
                logger: TestDatabase.silentLogger
            )
            #expect(try await service.stamp() == .stamped(1))
            let desk = StampDesk(stamper: stamper, prices: .init(archive: .sat(2)), archive: archive)
            let route = try #require(APIRoute.stamps(desk).last)
            guard case .quoted(let product, let quote) = route.access else {
                Issue.record("not paid")
                return
            }
            #expect(product.capability == "stamp" && product.price == .sat(2) && product.method == "GET")
            let (sold, handler) = try await quote(lookup(String(repeating: "0f", count: 32)))
            #expect(sold == product)
            struct Answer: Decodable {
                let document: String
                let after: String
            }
            let grant = try #require(FreeGrant(price: MilliSatoshi.zero))
            let answer = try await handler(.free(grant))
            let body = Data(answer.body.readableBytesView)
            let decoded = try JSONDecoder().decode(Answer.self, from: body)
            #expect(decoded.document == document)
            let stored = try #require(try await archive.find(node))
            #expect(Base64.decode(decoded.after) == stored.after)
            let object = try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any])
            let member = try #require(object["proof"])
            let proof = try TimeProof(json: JSONSerialization.data(withJSONObject: member))
            #expect(proof.digest == Array(SHA256.hash(data: Data(document.utf8))))
            #expect(throws: Never.self) { try proof.verify(trustedKeys: [server.publicKey]) }
            for (ident, code) in [
                (String(repeating: "00", count: 32), APIError.Code.notFound), ("x", .validationError),
            ] {
                do {
                    _ = try await quote(lookup(ident))
                    Issue.record("sold")
                } catch let error as APIError {
                    #expect(error.code == code)
                }
            }
        }
    }

    private func lookup(_ ident: String) -> APIRequest {
        APIRequest(
            id: "1",
            method: .get,
            path: "/v1/time/scores/\(ident)",
            target: "/v1/time/scores/\(ident)",
            headers: [:],
            authority: nil,
            body: ByteBuffer(),
            client: nil,
            isLocal: true,
            parameters: ["ident": ident],
            query: [:]
        )
    }
}
