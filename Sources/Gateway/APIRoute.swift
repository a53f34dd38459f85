// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import Gate
public import HTTPTypes
public import IPAddresses
public import Ledger
public import NIOCore
internal import NIOFoundationCompat

/// A request as a handler sees it: read completely, and within the limits.
public struct APIRequest: Sendable {
    public let id: String
    public let method: HTTPRequest.Method
    /// The path without the query, as received.
    public let path: String
    /// Path and query, as received.
    public let target: String
    public let headers: HTTPFields
    /// Host and port as the client wrote them, if they are safe to repeat.
    public let authority: String?
    public let body: ByteBuffer
    public let client: IPAddress?
    /// Whether the socket's peer is this machine and no proxy stands between.
    public let isLocal: Bool
    let parameters: [String: String]
    let query: [String: String]

    /// A part of the path by its name in the pattern.
    public func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// The request as the gate sees it.
    var forGate: GateRequest {
        let headers = headers
        return GateRequest(
            id: id,
            method: method.rawValue,
            path: path,
            target: target,
            bodyDigest: Array(SHA256.hash(data: body.readableBytesView)),
            clientAddress: client
        ) { name in HTTPField.Name(name).map { headers[values: $0] } ?? [] }
    }
}

/// Serves a paid request; there is no way to call it without a grant, and only the ledger makes grants.
public typealias PaidHandler = @Sendable (_ grant: Grant) async throws -> APIResponse

/// One route: what it answers, what it costs and how it is described.
public struct APIRoute: Sendable {
    /// Who may call the route, and what runs.
    public enum Access: Sendable {
        case free(@Sendable (APIRequest) async throws -> APIResponse)
        /// Validates first: what the closure throws costs nothing; what it returns serves the request.
        case paid(PaidProduct, @Sendable (APIRequest) throws -> PaidHandler)
        /// Like `paid`, at a price that depends on the request; the product named here has the least.
        case quoted(PaidProduct, @Sendable (APIRequest) async throws -> (PaidProduct, PaidHandler))
    }

    public let method: HTTPRequest.Method
    /// The pattern, such as `/api/profile/{ident}`.
    public let path: String
    public let limiter: LimiterFamily
    public let documentation: RouteDocumentation
    public let access: Access
    /// The media types of a body; with parameters or without.
    public var mediaTypes: Set<String> = ["application/json"]
    /// Bytes of a body, where another limit holds than the server's.
    public var bodyLimit: Int?

    public init(
        _ method: HTTPRequest.Method,
        _ path: String,
        limiter: LimiterFamily,
        documentation: RouteDocumentation,
        access: Access
    ) {
        self.method = method
        self.path = path
        self.limiter = limiter
        self.documentation = documentation
        self.access = access
    }

    /// What the route sells, if it is paid.
    public var product: PaidProduct? {
        switch access {
        case .paid(let product, _), .quoted(let product, _): product
        case .free: nil
        }
    }
}

/// What people and programs are told of a route.
public struct RouteDocumentation: Sendable {
    /// A parameter in the query.
    public struct QueryParameter: Sendable {
        public enum Kind: String, Sendable { case integer, string }
        public let name: String
        public let kind: Kind
        public let description: String

        public init(_ name: String, _ kind: Kind, _ description: String) {
            self.name = name
            self.kind = kind
            self.description = description
        }
    }

    public let summary: String
    /// The example of a JSON body, for routes that take one.
    public let bodyExample: String?
    public let query: [QueryParameter]
    /// The shape of a good answer, where it is JSON and described.
    public let answer: AnswerSchema?
    /// What 201 means, for routes that make something; they never answer 200.
    public let created: String?
    /// What 202 means, for routes that may answer before they are done.
    public let accepted: String?
    /// What 401 means, for routes that ask for a token without selling one.
    public let unauthorized: String?
    /// What 503 means, for routes that may have to put their callers off.
    public let unavailable: String?
    /// Whether the route only says that it is gone.
    public let isRemoved: Bool

    public init(
        _ summary: String,
        query: [QueryParameter] = [],
        bodyExample: String? = nil,
        answer: AnswerSchema? = nil,
        created: String? = nil,
        accepted: String? = nil,
        unauthorized: String? = nil,
        unavailable: String? = nil,
        isRemoved: Bool = false
    ) {
        self.answer = answer
        self.created = created
        self.accepted = accepted
        self.unauthorized = unauthorized
        self.unavailable = unavailable
        self.isRemoved = isRemoved
        self.summary = summary
        self.query = query
        self.bodyExample = bodyExample
    }
}
