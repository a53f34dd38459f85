// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One line of the audit log: the long-term key has signed a delegation.
public struct Minting: Codable, Sendable, Hashable {
    /// When, Unix seconds.
    public let time: Int64
    /// The online key, 64 hexadecimal digits.
    public let publicKey: String
    /// First second of the delegation, Unix seconds.
    public let notBefore: Int64
    /// Last second of the delegation, Unix seconds.
    public let notAfter: Int64

    public init(time: Int64, publicKey: String, notBefore: Int64, notAfter: Int64) {
        self.time = time
        self.publicKey = publicKey
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}
