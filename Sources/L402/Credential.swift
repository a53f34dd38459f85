// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import Macaroons

/// What a payer presents: a token and the proof that its invoice was paid.
public struct Credential: Sendable, Hashable, CustomStringConvertible {
    public let macaroon: Macaroon
    public let preimage: Preimage

    public init(macaroon: Macaroon, preimage: Preimage) {
        self.macaroon = macaroon
        self.preimage = preimage
    }

    public var description: String { "[redacted]" }
}

/// The outcome of looking for a credential in a request.
public enum CredentialReading: Sendable, Hashable {
    /// No header speaks our schemes: answer with a challenge.
    case none
    case credential(Credential)
    /// A header speaks our scheme but cannot be read: 401.
    case malformed
    /// A credential header of more than 8,192 bytes: 431.
    case tooLarge
}
