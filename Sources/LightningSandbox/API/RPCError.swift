// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// An error answer of the node: a gRPC code and LND's sentence.
struct RPCError: Error, Hashable {
    /// The gRPC codes LND's answers use, with the HTTP status the REST proxy gives them.
    enum Code: Int, Sendable {
        case unknown = 2
        case invalidArgument = 3
        case notFound = 5
        case alreadyExists = 6
        case unimplemented = 12
        case `internal` = 13

        var httpStatus: Int {
            switch self {
            case .unknown, .internal: 500
            case .invalidArgument: 400
            case .notFound: 404
            case .alreadyExists: 409
            case .unimplemented: 501
            }
        }
    }

    let code: Code
    let message: String

    /// Most of LND's errors have the code 2 and only a sentence.
    init(_ message: String, code: Code = .unknown) {
        self.code = code
        self.message = message
    }

    var body: JSON {
        ["code": .integer(code.rawValue), "message": .string(message), "details": []]
    }

    static let unknownPath = RPCError("Not Found", code: .notFound)
    static let wrongMethod = RPCError("Method Not Allowed", code: .unimplemented)
    static let permissionDenied = RPCError("permission denied")
    static let invoiceNotFound = RPCError("unable to locate invoice", code: .notFound)
}
