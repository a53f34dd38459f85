// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import Gate
internal import HTTPTypes
internal import LightningPrimitives
internal import NIOCore
internal import Roughtime
internal import RoughtimeLink

extension APIRoute {
    /// Signed time over HTTP: the same answers as by UDP, from the same batches.
    public static func time(_ desk: TimeDesk) -> [APIRoute] {
        [exchange(desk), batch(desk), canonical(desk), facts(desk), serverList(desk)] + malfeasance(desk)
    }

    static let packetTypes: Set<String> = ["application/octet-stream", "application/vnd.assay.roughtime"]

    /// A route that is free or paid, as its price says; what is wrong is found before either.
    static func open(
        _ method: HTTPRequest.Method,
        _ path: String,
        price: MilliSatoshi,
        capability: String,
        route: String? = nil,
        documentation: RouteDocumentation,
        ready: (@Sendable () async throws -> Void)? = nil,
        _ prepare: @escaping @Sendable (APIRequest) throws -> @Sendable () async throws -> APIResponse
    ) -> APIRoute {
        let product = PaidProduct(
            capability: capability,
            route: route,
            price: price,
            method: method.rawValue,
            pathPrefix: path.split(separator: "{").first.map(String.init)
        )
        let access: Access
        if price == .zero {
            access = .free { try await prepare($0)() }
        } else if let ready {
            // Nobody shall pay first and learn then that there is nothing to be had.
            access = .quoted(product) { request in
                let serve = try prepare(request)
                try await ready()
                return (product, { _ in try await serve() })
            }
        } else {
            access = .paid(product) { request in
                let serve = try prepare(request)
                return { _ in try await serve() }
            }
        }
        return APIRoute(method, path, limiter: .time, documentation: documentation, access: access)
    }

    private static func exchange(_ desk: TimeDesk) -> APIRoute {
        var route = open(
            .post,
            "/roughtime",
            price: desk.prices.request,
            capability: "roughtime",
            documentation: RouteDocumentation(
                "Signed time: one Roughtime request packet as the body, the response packet as the answer (RFC 10049)",
                unavailable: "the server signs nothing now"
            ),
            ready: { try await desk.link.requireReady() }
        ) { request in
            let packet = Array(request.body.readableBytesView)
            guard packet.count >= RequestRules.minimumLength else { throw APIError(DropReason.size) }
            let type = request.headers[.contentType] ?? "application/octet-stream"
            return {
                switch try await desk.answer(packet) {
                case .success(let answer): packets(answer, type: type)
                case .failure(let reason): throw APIError(reason)
                }
            }
        }
        route.mediaTypes = packetTypes
        route.bodyLimit = RequestRules.maximumLength
        return route
    }

    private static func packets(_ bytes: [UInt8], type: String) -> APIResponse {
        let media = type.split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
        let headers: HTTPFields = [
            .contentType: media.flatMap { packetTypes.contains($0) ? $0 : nil } ?? "application/octet-stream",
            .cacheControl: "no-store",
        ]
        return APIResponse(headers: headers, body: ByteBuffer(bytes: bytes))
    }

    /// The most packets of one batch.
    private static let batchLimit = 64

    private static func batch(_ desk: TimeDesk) -> APIRoute {
        var route = open(
            .post,
            "/roughtime/batch",
            price: desk.prices.batch,
            capability: "roughtime-batch",
            documentation: RouteDocumentation(
                "Up to 64 framed Roughtime requests one after another; the answers in the same order, an empty frame for none",
                unavailable: "the server signs nothing now"
            ),
            ready: { try await desk.link.requireReady() }
        ) { request in
            let packets = try frames(Array(request.body.readableBytesView))
            let type = request.headers[.contentType] ?? "application/octet-stream"
            return { try await answer(packets, type: type, desk) }
        }
        route.mediaTypes = packetTypes
        // A little more than any good one, so that one packet too many is told from bytes without end.
        route.bodyLimit = (batchLimit + 2) * (RequestRules.maximumLength + Frame.headerLength)
        return route
    }

    private static func answer(_ packets: [[UInt8]], type: String, _ desk: TimeDesk) async throws -> APIResponse {
        let answers = try await withThrowingTaskGroup(of: (Int, Result<[UInt8], DropReason>).self) { group in
            for (index, packet) in packets.enumerated() {
                group.addTask { (index, try await desk.answer(packet)) }
            }
            var answers = [Result<[UInt8], DropReason>](repeating: .failure(.size), count: packets.count)
            for try await (index, answer) in group { answers[index] = answer }
            return answers
        }
        // A server that signs nothing at all shall not be paid for saying so.
        for case .failure(let reason) in answers where [.unsynchronised, .noDelegation, .stale].contains(reason) {
            throw APIError(reason)
        }
        return self.packets(answers.flatMap { (try? $0.get()) ?? Frame.wrap([]) }, type: type)
    }

    /// Splits a row of frames.
    static func frames(_ bytes: [UInt8]) throws(APIError) -> [[UInt8]] {
        let malformed = APIError(.malformed, "The body must be a row of whole frames, each beginning with ROUGHTIM.")
        var packets: [[UInt8]] = []
        var offset = 0
        while offset < bytes.count {
            let rest = bytes[offset...]
            guard rest.count >= Frame.headerLength, Frame.isFramed(rest) else { throw malformed }
            let length = rest.dropFirst(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length <= rest.count - Frame.headerLength else { throw malformed }
            guard packets.count < batchLimit else {
                throw APIError(.payloadTooLarge, "A batch has \(batchLimit) packets at most.")
            }
            packets.append(Array(rest.prefix(Frame.headerLength + length)))
            offset += Frame.headerLength + length
        }
        guard !packets.isEmpty else { throw malformed }
        return packets
    }

    private static func canonical(_ desk: TimeDesk) -> APIRoute {
        struct Answer: Encodable {
            let request: String
            let response: String
            let midpoint: Int64
            let radius: Int64
            let publicKey: String
        }
        return open(
            .get,
            "/roughtime/v1/{nonce}",
            price: desk.prices.request,
            capability: "roughtime",
            documentation: RouteDocumentation(
                "Signed time for a nonce of 64 hex digits, in version 1, as JSON: build the request yourself and compare",
                unavailable: "the server signs nothing now"
            ),
            ready: { try await desk.link.requireReady() }
        ) { request in
            let text = request.parameter("nonce")
            guard text.utf8.count == 64, let nonce = Hex.decode(text),
                let built = Request(versions: [.rfc10049], nonce: nonce, serverKey: desk.publicKey)
            else { throw APIError(.validationError, "The nonce must be 64 hex digits.", details: ["field": "nonce"]) }
            return {
                let packet = try await desk.answer(built.packet).mapError { APIError($0) }.get()
                let verified = try ResponseVerifier(longTermPublicKey: desk.publicKey).verify(packet, to: built)
                return try APIResponse.json(
                    Answer(
                        request: Base64.encode(built.packet),
                        response: Base64.encode(packet),
                        midpoint: Int64(clamping: verified.midpoint / 1_000_000),
                        radius: verified.radius / 1_000_000,
                        publicKey: Base64.encode(desk.publicKey)
                    ),
                    headers: [.cacheControl: "no-store"]
                )
            }
        }
    }

    private static func facts(_ desk: TimeDesk) -> APIRoute {
        struct Answer: Encodable {
            let publicKey: String
            let srv: String
            let versions: [UInt32]
            let udpPorts: [UInt16]
            let tcpPorts: [UInt16]
            let delegation: ResponderStatus.Delegation?
            let radius: UInt32?
        }
        return APIRoute(
            .get,
            "/roughtime",
            limiter: .time,
            documentation: RouteDocumentation("The time server: its key, versions, ports and delegation"),
            access: .free { _ in
                let status = try await desk.status()
                return try APIResponse.json(
                    Answer(
                        publicKey: status.publicKey,
                        srv: Base64.encode(LongTermKey.serverTag(publicKey: desk.publicKey)),
                        versions: status.versions,
                        udpPorts: status.udpPorts,
                        tcpPorts: status.tcpPorts,
                        delegation: status.delegation,
                        radius: status.radius
                    ),
                    headers: [.cacheControl: "no-store"]
                )
            }
        )
    }

    private static func serverList(_ desk: TimeDesk) -> APIRoute {
        APIRoute(
            .get,
            "/.well-known/roughtime/servers.json",
            limiter: .time,
            documentation: RouteDocumentation("This server as a Roughtime server list (RFC 10049, section 8.4)"),
            access: .free { request in
                let status = try await desk.status()
                let used = request.authority.flatMap { HostPort.split($0)?.host ?? $0 }
                let host = desk.publicHost ?? used ?? "localhost"
                let addresses =
                    status.udpPorts.map { ServerEntry.Address(transport: .udp, host: host, port: $0) }
                    + status.tcpPorts.map { ServerEntry.Address(transport: .tcp, host: host, port: $0) }
                let entry = ServerEntry(
                    name: host,
                    version: status.versions.contains(1) ? .rfc10049 : status.versions.max().map(Version.init),
                    publicKey: desk.publicKey,
                    addresses: addresses
                )
                let headers: HTTPFields = [.contentType: ServerList.mediaType, .cacheControl: "public, max-age=300"]
                return APIResponse(headers: headers, body: ByteBuffer(bytes: ServerList(servers: [entry]).json))
            }
        )
    }
}
