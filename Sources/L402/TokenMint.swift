// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
public import Macaroons

/// What a new token is good for.
public struct TokenTerms: Sendable, Hashable {
    /// The service's name, such as `assay`.
    public var service: String
    /// The tier bought, 0 to 255.
    public var tier: Int
    /// What the token may be used for; `nil` for everything the service has.
    public var capabilities: [String]?
    /// When it stops being valid, in Unix seconds.
    public var validUntil: Int64
    /// The only method allowed; for single-call products.
    public var method: String?
    /// The only path, with everything under it; for single-call products.
    public var pathPrefix: String?
    /// How many requests it serves; for counted products.
    public var uses: Int64?

    public init(
        service: String,
        tier: Int = 0,
        capabilities: [String]?,
        validUntil: Int64,
        method: String? = nil,
        pathPrefix: String? = nil,
        uses: Int64? = nil
    ) {
        self.service = service
        self.tier = tier
        self.capabilities = capabilities
        self.validUntil = validUntil
        self.method = method
        self.pathPrefix = pathPrefix
        self.uses = uses
    }

    /// The caveats in the order in which a gate always adds them.
    var caveats: [String] {
        var caveats = ["services=\(service):\(tier)"]
        if let capabilities { caveats.append("\(service)_capabilities=\(capabilities.joined(separator: ","))") }
        caveats.append("\(service)_valid_until=\(validUntil)")
        if let method { caveats.append("method=\(method)") }
        if let pathPrefix { caveats.append("path_prefix=\(pathPrefix)") }
        if let uses { caveats.append("n_uses=\(uses)") }
        return caveats
    }
}

/// A token whose authenticity, payment proof and caveats hold; what is left to check is settlement and balance.
public struct VerifiedToken: Sendable, Hashable {
    public let identifier: L402Identifier
    public let limits: UsageLimits
    /// The exact token's signature, a secret: what `n_uses` and `max_sats` are counted by.
    public let signature: [UInt8]
}

extension KeyRing {
    /// Mints the token for an invoice's payment hash, and writes nothing anywhere.
    public func mint(paymentHash: PaymentHash, terms: TokenTerms) -> Macaroon {
        let identifier = L402Identifier(paymentHash: paymentHash, tokenID: .random(epoch: mintEpoch))
        guard let rootKey = rootKey(for: identifier) else {
            preconditionFailure("the minting epoch is never unknown or retired")
        }
        return Macaroon(rootKey: rootKey, identifier: identifier.bytes, location: "assay", caveats: terms.caveats)
    }

    /// Verifies a credential for a request, in the fixed order: identifier, epoch, signature, third-party caveats,
    /// revocation, preimage, caveats.
    ///
    /// - Parameter isRevoked: whether a token id or payment hash has been revoked.
    /// - Throws: ``Refusal`` with the first failure's code.
    public func verify(
        _ credential: Credential,
        for scope: RequestScope,
        isRevoked: (L402Identifier) -> Bool = { _ in false }
    ) throws(Refusal) -> VerifiedToken {
        guard let identifier = L402Identifier(credential.macaroon.identifier) else { throw Refusal(.unknownVersion) }
        guard let rootKey = rootKey(for: identifier) else { throw Refusal(.unknownKey) }
        guard credential.macaroon.isSigned(by: rootKey) else { throw Refusal(.badSignature) }
        guard !credential.macaroon.hasThirdPartyCaveat else { throw Refusal(.thirdPartyCaveat) }
        guard !isRevoked(identifier) else { throw Refusal(.revoked) }
        guard credential.preimage.paymentHash == identifier.paymentHash else { throw Refusal(.preimageMismatch) }
        let limits = try CaveatChecker.check(credential.macaroon.caveats, scope)
        return VerifiedToken(identifier: identifier, limits: limits, signature: credential.macaroon.signature)
    }
}
