// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import HTTPTypes
internal import IPAddresses
internal import NIOCore
internal import Roughtime
internal import TimeArchive

extension APIRoute {
    /// Takes proofs that a Roughtime server lied, and shows them.
    static func malfeasance(_ desk: TimeDesk) -> [APIRoute] {
        guard let reports = desk.reports else { return [] }
        return [intake(desk, reports), stored(reports)]
    }

    private static let longest = 256 << 10
    private static let maximumLinks = 32

    private static func intake(_ desk: TimeDesk, _ reports: MalfeasanceStore) -> APIRoute {
        struct Answer: Encodable {
            let id: String
        }
        var route = APIRoute(
            .post,
            "/roughtime/malfeasance",
            limiter: .time,
            documentation: RouteDocumentation(
                "Hand in a report of malfeasance (RFC 10049, section 8.4.1); it is verified before it is kept",
                bodyExample: #"{"responses": [{"publicKey": "…", "request": "…", "response": "…"}]}"#,
                created: "The report is kept: Location names it"
            ),
            access: .free { request in
                let chain = try verified(Data(request.body.readableBytesView))
                guard !chain.isConsistent else {
                    throw APIError(.consistent, "The chain holds, but nothing in it is inconsistent.")
                }
                let source = request.client?.network(v4: 24, v6: 48).description ?? "local"
                try desk.intake.take(source)
                let id = Hex.encode(try await reports.keep(chain))
                return try APIResponse.json(
                    Answer(id: id),
                    status: .created,
                    headers: [.location: "/roughtime/malfeasance/\(id)"]
                )
            }
        )
        route.mediaTypes = [MalfeasanceReport.mediaType, "application/json"]
        route.bodyLimit = longest
        return route
    }

    private static func verified(_ body: Data) throws(APIError) -> VerifiedChain {
        let report: MalfeasanceReport
        do throws(ReportFormatError) {
            report = try MalfeasanceReport(json: body)
        } catch {
            throw APIError(.malformed, "Not a report: \(error).")
        }
        guard report.links.count <= maximumLinks else {
            throw APIError(.payloadTooLarge, "A report has \(maximumLinks) links at most.")
        }
        do throws(ChainFailure) {
            return try VerifiedChain(verifying: report.links, limit: maximumLinks)
        } catch {
            throw APIError(.malformed, "The report does not verify: \(error).")
        }
    }

    private static func stored(_ reports: MalfeasanceStore) -> APIRoute {
        APIRoute(
            .get,
            "/roughtime/malfeasance/{id}",
            limiter: .time,
            documentation: RouteDocumentation("A report of malfeasance that was handed in"),
            access: .free { request in
                guard let id = Hex.decode(request.parameter("id")), id.count == 32,
                    let document = try await reports.find(id)
                else { throw APIError.notFound("report") }
                let headers: HTTPFields = [
                    .contentType: MalfeasanceReport.mediaType, .cacheControl: "public, max-age=86400",
                ]
                return APIResponse(headers: headers, body: ByteBuffer(bytes: document))
            }
        )
    }
}
