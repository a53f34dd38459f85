// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses

/// What the gate needs to know of a request.
public struct GateRequest: Sendable {
    /// The request's id, for logs.
    public let id: String
    public let method: String
    /// The path as received, without the query.
    public let path: String
    public let clientAddress: IPAddress?
    /// All values of a header, given its name in lower case.
    public let header: @Sendable (String) -> [String]

    public init(
        id: String,
        method: String,
        path: String,
        clientAddress: IPAddress?,
        header: @escaping @Sendable (String) -> [String]
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.clientAddress = clientAddress
        self.header = header
    }
}
