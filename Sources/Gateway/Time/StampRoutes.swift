// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import Gate
internal import HTTPTypes
internal import LightningPrimitives
internal import Metrics
internal import NIOCore
internal import Oracle
internal import Roughtime
internal import RoughtimeLink
internal import TimeArchive
internal import TimeStamping

extension APIRoute {
    /// Proofs that documents existed by now.
    public static func stamps(_ desk: StampDesk) -> [APIRoute] {
        [stamp(desk)] + (desk.archive.map { [score(desk, $0)] } ?? [])
    }

    private static func stamp(_ desk: StampDesk) -> APIRoute {
        var ready: (@Sendable () async throws -> Void)?
        if let link = desk.link { ready = { try await link.requireReady() } }
        return open(
            .post,
            "/v1/time/stamp",
            price: desk.prices.stamp,
            capability: "stamp",
            route: "time-stamp",
            documentation: RouteDocumentation(
                "Proves that a document existed by now: its SHA-256 goes into the nonce of a Roughtime exchange",
                bodyExample: #"{"digest": "<SHA-256 of the document, 64 hex digits>"}"#,
                answer: .timeProof,
                unavailable: "the time server signs nothing now; nothing was charged"
            ),
            ready: ready
        ) { request in
            let digest = try digest(of: request)
            return {
                do throws(StampError) {
                    let proof = try await desk.stamper.stamp(digest: digest)
                    count("ok")
                    return proofAnswer(proof)
                } catch {
                    count("failed")
                    throw APIError(error)
                }
            }
        }
    }

    private static func score(_ desk: StampDesk, _ archive: ScoreArchive) -> APIRoute {
        let product = PaidProduct(
            capability: "stamp",
            route: "time-scores",
            price: desk.prices.archive,
            method: "GET",
            pathPrefix: "/v1/time/scores"
        )
        // Looked up first: what is not there is not sold.
        let find: @Sendable (APIRequest) async throws -> APIResponse = { request in
            guard let score = try await archive.find(request.node().hash.bytes) else {
                throw APIError.notFound("stamped score")
            }
            return try answer(score)
        }
        return APIRoute(
            .get,
            "/v1/time/scores/{ident}",
            limiter: .time,
            documentation: RouteDocumentation(
                "A node's score as a document, proven to be older than its proof and younger than the answer it names",
                answer: .stampedScore
            ),
            access: product.price == .zero
                ? .free(find)
                : .quoted(product) { request in
                    let answer = try await find(request)
                    return (product, { _ in answer })
                }
        )
    }

    private static func answer(_ score: StampedScore) throws -> APIResponse {
        // Whoever sells evidence looks at it first.
        do throws(TimeProofFailure) { _ = try score.proof.verify() } catch {
            throw APIError(.internalError, "The stored proof does not hold; nothing was charged.")
        }
        // The proof goes out as it is written wherever else it is.
        let document = try JSONEncoder().encode(String(decoding: score.document, as: UTF8.self))
        var body = ByteBuffer(string: #"{"after":"\#(Base64.encode(score.after))","document":"#)
        body.writeBytes(document)
        body.writeString(#","proof":"#)
        body.writeBytes(score.proof.json)
        if let attestation = score.attestation {
            body.writeString(#","attestation":"#)
            body.writeBytes(attestation)
        }
        body.writeString("}")
        return APIResponse(headers: [.contentType: "application/json", .cacheControl: "no-store"], body: body)
    }

    private static func count(_ result: String) {
        Counter(label: "time_stamps_total", dimensions: [("kind", "document"), ("result", result)]).increment()
    }

    private static func proofAnswer(_ proof: TimeProof) -> APIResponse {
        let headers: HTTPFields = [.contentType: TimeProof.mediaType, .cacheControl: "no-store"]
        return APIResponse(headers: headers, body: ByteBuffer(bytes: proof.json))
    }

    /// The digest that a body names.
    static func digest(of request: APIRequest) throws(APIError) -> [UInt8] {
        struct Body: Decodable { let digest: String }
        let text = try request.decoded(Body.self).digest
        guard text.utf8.count == 64, let digest = Hex.decode(text) else {
            throw APIError(
                .validationError,
                "digest must be SHA-256 as 64 hex digits, got \(text.count) characters",
                details: ["field": "digest"]
            )
        }
        return digest
    }
}

extension APIError {
    /// What a caller is told when there is no stamp.
    init(_ error: StampError) {
        switch error {
        case .dropped(let reason) where reason == .unsynchronised || reason == .noDelegation: self.init(reason)
        // Anything else is between this machine's own programs; the caller can only try again.
        case .dropped, .unreachable, .unproven:
            self = .retryLater(.serviceUnavailable, "The time server does not answer; try again soon.", seconds: 1)
        }
    }
}
