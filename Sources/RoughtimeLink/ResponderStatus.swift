// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a responder says of itself.
public struct ResponderStatus: Codable, Sendable, Equatable {
    public struct Delegation: Codable, Sendable, Equatable {
        /// Unix seconds.
        public let notBefore: Int64
        public let notAfter: Int64
        /// The online key in base64.
        public let publicKey: String

        public init(notBefore: Int64, notAfter: Int64, publicKey: String) {
            self.notBefore = notBefore
            self.notAfter = notAfter
            self.publicKey = publicKey
        }
    }

    /// The long-term key in base64.
    public let publicKey: String
    /// The versions it answers, numbers as in VER; 0 is Google's.
    public let versions: [UInt32]
    public let udpPorts: [UInt16]
    public let tcpPorts: [UInt16]
    /// The delegation in force; nil when there is none.
    public let delegation: Delegation?
    /// The radius it would sign now in whole seconds; nil while it signs nothing.
    public let radius: UInt32?

    public init(
        publicKey: String,
        versions: [UInt32],
        udpPorts: [UInt16],
        tcpPorts: [UInt16],
        delegation: Delegation?,
        radius: UInt32?
    ) {
        self.publicKey = publicKey
        self.versions = versions
        self.udpPorts = udpPorts
        self.tcpPorts = tcpPorts
        self.delegation = delegation
        self.radius = radius
    }
}
