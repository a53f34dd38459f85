// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// A bearer credential whose holder can narrow it but not widen it.
///
/// Source: Birgisson et al., "Macaroons: Cookies with Contextual Caveats for Decentralized Authorization in the Cloud"
/// (2014), and the binary formats of libmacaroons. A macaroon is a secret: it never prints its signature.
public struct Macaroon: Sendable, Hashable, CustomStringConvertible {
    /// A hint where the macaroon is to be used; not covered by the signature.
    public let location: String
    /// What the minter needs to find the root key again; covered by the signature.
    public let identifier: [UInt8]
    /// The restrictions, in the order in which they were added.
    public let caveats: [Caveat]
    /// The last link of the HMAC chain, 32 bytes: a secret.
    public let signature: [UInt8]

    init(location: String, identifier: [UInt8], caveats: [Caveat], signature: [UInt8]) {
        self.location = location
        self.identifier = identifier
        self.caveats = caveats
        self.signature = signature
    }

    /// Mints a macaroon.
    ///
    /// - Parameters:
    ///   - rootKey: the minter's secret, of any length: it always goes through the key generator step.
    ///   - identifier: what names the root key.
    ///   - location: a hint; empty for none.
    ///   - caveats: first-party caveats, in order.
    public init(rootKey: [UInt8], identifier: [UInt8], location: String = "", caveats: [String] = []) {
        let key = Self.derivedKey(rootKey)
        self.init(
            location: location,
            identifier: identifier,
            caveats: [],
            signature: authenticationTag(key: key, identifier)
        )
        self = caveats.reduce(self) { $0.adding(caveat: $1) }
    }

    /// Returns the macaroon narrowed by one more first-party caveat; any holder may do this.
    public func adding(caveat: String) -> Macaroon {
        adding(Caveat(identifier: Array(caveat.utf8)))
    }

    /// Returns the macaroon with one more caveat of either kind.
    public func adding(_ caveat: Caveat) -> Macaroon {
        Macaroon(
            location: location,
            identifier: identifier,
            caveats: caveats + [caveat],
            signature: Self.next(signature, caveat)
        )
    }

    /// Tells whether the signature chain starts at this root key, in the same time wherever it differs.
    public func isSigned(by rootKey: [UInt8]) -> Bool {
        let start = authenticationTag(key: Self.derivedKey(rootKey), identifier)
        return constantTimeEqual(caveats.reduce(start, Self.next), signature)
    }

    /// The chain's link after each caveat, secrets all: the last one is ``signature`` if the root key is right.
    ///
    /// What a holder derives from a token shares the links up to the place where it was narrowed.
    public func links(rootKey: [UInt8]) -> [[UInt8]] {
        var link = authenticationTag(key: Self.derivedKey(rootKey), identifier)
        return caveats.map { caveat in
            link = Self.next(link, caveat)
            return link
        }
    }

    /// Whether a caveat asks a third party; L402 has no place for its discharge.
    public var hasThirdPartyCaveat: Bool { caveats.contains { $0.verificationID != nil } }

    /// The identifier's length and the number of caveats; nothing secret.
    public var description: String { "macaroon(\(identifier.count)-byte identifier, \(caveats.count) caveats)" }

    private static let keyGenerator = Array("macaroons-key-generator".utf8)

    private static func derivedKey(_ rootKey: [UInt8]) -> [UInt8] { authenticationTag(key: keyGenerator, rootKey) }

    private static func next(_ signature: [UInt8], _ caveat: Caveat) -> [UInt8] {
        guard let verificationID = caveat.verificationID else {
            return authenticationTag(key: signature, caveat.identifier)
        }
        return authenticationTag(
            key: signature,
            authenticationTag(key: signature, verificationID) + authenticationTag(key: signature, caveat.identifier)
        )
    }
}

/// One restriction of a macaroon.
public struct Caveat: Sendable, Hashable {
    /// The condition; for a first-party caveat usually text such as `services=assay:0`.
    public let identifier: [UInt8]
    /// Where a third party discharges it; `nil` for first-party caveats.
    public let location: String?
    /// The encrypted key of a third-party caveat; `nil` for first-party caveats.
    public let verificationID: [UInt8]?

    /// Makes a first-party caveat.
    public init(identifier: [UInt8]) {
        self.init(identifier: identifier, location: nil, verificationID: nil)
    }

    /// Makes a caveat of either kind; a third-party caveat has a verification id.
    public init(identifier: [UInt8], location: String?, verificationID: [UInt8]?) {
        self.identifier = identifier
        self.location = location
        self.verificationID = verificationID
    }

    /// The condition as text, or `nil` when it is not UTF-8.
    public var text: String? { String(validating: identifier, as: UTF8.self) }
}
