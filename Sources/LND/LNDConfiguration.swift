// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Where a node is and how to talk to it.
public struct LNDConfiguration: Sendable {
    /// The REST address, such as `https://127.0.0.1:8080`.
    public var restURL: String
    /// The node's `tls.cert`, the only trust anchor; `nil` for a plain http address on a loopback, in tests.
    public var tlsCertificatePath: String?
    /// The name to expect in the certificate when it is not the host of the address.
    public var tlsServerName: String?
    /// The file with the macaroon's raw bytes; read again when it changes.
    public var macaroonPath: String
    /// Deadlines by kind of call.
    public var deadlines: Deadlines

    /// How long calls may take, as a whole.
    public struct Deadlines: Sendable {
        public var connect: Duration = .seconds(3)
        public var state: Duration = .seconds(3)
        public var read: Duration = .seconds(5)
        public var invoice: Duration = .seconds(10)
        public var graph: Duration = .seconds(120)
        /// LND walks the whole graph for the figures of the network.
        public var networkInfo: Duration = .seconds(30)

        public init() {}
    }

    public init(
        restURL: String,
        tlsCertificatePath: String?,
        tlsServerName: String? = nil,
        macaroonPath: String,
        deadlines: Deadlines = Deadlines()
    ) {
        self.restURL = restURL
        self.tlsCertificatePath = tlsCertificatePath
        self.tlsServerName = tlsServerName
        self.macaroonPath = macaroonPath
        self.deadlines = deadlines
    }
}
