// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import NIOPosix

/// Answers the REST calls of one node.
struct NodeResponder: HTTPResponder {
    /// Bodies are small, but for thousands of changes of the graph; LND's own limit is 200 MiB.
    private static let greatestBody = 8 << 20
    private static let macaroonHeader = HTTPField.Name("Grpc-Metadata-macaroon")

    let node: Node

    func respond(to request: Request, context: SandboxContext) async throws -> Response {
        do {
            return try await answer(request, context)
        } catch let error as RPCError {
            return Self.response(error)
        } catch {
            context.logger.error("call failed", metadata: ["sandbox.error": "\(error)"])
            return Self.response(RPCError("internal error", code: .internal))
        }
    }

    private func answer(_ request: Request, _ context: SandboxContext) async throws -> Response {
        let (endpoint, values) = try Endpoint.find(method: request.method.rawValue, path: request.uri.path)
        let body = try await Self.body(of: request)
        let arguments = Arguments(path: values, query: request.uri.query ?? "")
        let operation = try endpoint.prepare(node, arguments, body)
        do {
            if !endpoint.isOpen { try await authorize(request, endpoint, context) }
            switch operation {
            case .unary(let run): return Self.response(try await run())
            case .stream(let open): return try await Self.stream(try await open(), context)
            case .document(let open): return try await Self.document(open)
            }
        } catch let error as RPCError where endpoint.isStream {
            return Self.response(status: error.code.httpStatus, Self.line("error", error.body))
        }
    }

    private static func body(of request: Request) async throws -> [UInt8] {
        do {
            return Array(buffer: try await request.body.collect(upTo: greatestBody))
        } catch is NIOTooManyBytesError {
            throw RPCError("http: request body too large", code: .invalidArgument)
        }
    }

    private func authorize(_ request: Request, _ endpoint: Endpoint, _ context: SandboxContext) async throws {
        let headers = Self.macaroonHeader.map { request.headers[values: $0] } ?? []
        let rootKeys = try await node.ledger.read { $0.accounts[node.account].rootKeys }
        try MacaroonGuard(rootKeys: rootKeys, now: node.clock.now, peer: context.peer)
            .check(headers: headers, method: endpoint.name)
    }

    /// Sends events as lines; not even the head goes out before the first event.
    private static func stream(_ events: any EventSource, _ context: SandboxContext) async throws -> Response {
        events.end(with: context.channel.closeFuture)
        guard let first = try await events.next() else { return Response(status: .ok) }
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(bytes: line("result", first)))
                do {
                    while let event = try await events.next() {
                        try await writer.write(ByteBuffer(bytes: line("result", event)))
                    }
                } catch let error as RPCError {
                    try await writer.write(ByteBuffer(bytes: line("error", error.body)))
                }
                try await writer.finish(nil)
            }
        )
    }

    private static func document(_ open: @escaping @Sendable () throws -> any ByteSource) async throws -> Response {
        let pool = NIOThreadPool.singleton
        let source = try await pool.runIfActive { try open() }
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody { writer in
                while let bytes = try await pool.runIfActive({ try source.next().map { ByteBuffer(bytes: $0) } }) {
                    try await writer.write(bytes)
                }
                try await writer.finish(nil)
            }
        )
    }

    private static let headers: HTTPFields = {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let name = HTTPField.Name("Grpc-Metadata-Content-Type") { headers[name] = "application/grpc" }
        return headers
    }()

    private static func line(_ name: String, _ value: JSON) -> [UInt8] {
        JSON.object([.init(name: name, value: value)]).utf8 + [UInt8(ascii: "\n")]
    }

    private static func response(_ json: JSON) -> Response {
        Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: json.utf8)))
    }

    private static func response(_ error: RPCError) -> Response {
        response(status: error.code.httpStatus, error.body.utf8)
    }

    private static func response(status: Int, _ body: [UInt8]) -> Response {
        Response(
            status: .init(code: status),
            headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: body))
        )
    }
}
