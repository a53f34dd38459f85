// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A call of the REST interface: its place, its name, and how its arguments are read.
struct Endpoint: Sendable {
    typealias Prepare = @Sendable (Node, Arguments, [UInt8]) throws(RPCError) -> Operation

    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    let method: Method
    /// The path's segments; `{name}` stands for any one segment.
    let template: [Substring]
    /// The full gRPC name, by which permissions go.
    let name: String
    let isStream: Bool
    /// Reads path, query and body before the macaroon is looked at, as LND's proxy does.
    let prepare: Prepare

    init(
        _ method: Method,
        _ template: String,
        _ name: String,
        isStream: Bool = false,
        prepare: @escaping Prepare
    ) {
        self.method = method
        self.template = template.split(separator: "/")
        self.name = name
        self.isStream = isStream
        self.prepare = prepare
    }

    /// The one call that needs no macaroon.
    var isOpen: Bool { name == "/lnrpc.State/GetState" || name == "/lnrpc.State/SubscribeState" }

    /// The values of the placeholders, or `nil` when the path is another.
    func match(_ segments: ArraySlice<Substring>) -> [String: String]? {
        guard segments.count == template.count else { return nil }
        var values: [String: String] = [:]
        for (expected, segment) in zip(template, segments) {
            if expected.first == "{" {
                guard !segment.isEmpty else { return nil }
                values[String(expected.dropFirst().dropLast())] = Arguments.decode(segment, plusIsSpace: false)
            } else if expected != segment {
                return nil
            }
        }
        return values
    }

    /// Finds the call for a request.
    ///
    /// - Throws: `Not Found`, or `Method Not Allowed` when the path exists for another method.
    static func find(method: String, path: some StringProtocol) throws(RPCError) -> (Endpoint, [String: String]) {
        let segments = String(path).split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        var error = RPCError.unknownPath
        for endpoint in all {
            guard let values = endpoint.match(segments) else { continue }
            if endpoint.method.rawValue == method { return (endpoint, values) }
            error = .wrongMethod
        }
        throw error
    }

    /// Every call the sandbox answers; the first that fits is taken.
    static let all = node + invoices + payments + macaroons + graph + router
}
