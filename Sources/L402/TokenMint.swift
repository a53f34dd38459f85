// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
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
    /// When it stops being valid, in Unix seconds; `nil` for never.
    public var validUntil: Int64?
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
        validUntil: Int64?,
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
        if let validUntil { caveats.append("\(service)_valid_until=\(validUntil)") }
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
    /// What `n_uses` and `max_sats` allow, each with the name of its count.
    public let counts: [UseCount]
    /// What the payment was for, authenticated; `nil` for invoices that were not made by ``KeyRing/preimage(for:)``.
    public let purpose: InvoicePurpose?
    /// The token's tier of the service it was verified for, 0 to 255.
    public let tier: Int

    init(
        identifier: L402Identifier,
        limits: UsageLimits,
        counts: [UseCount],
        purpose: InvoicePurpose?,
        tier: Int
    ) {
        self.identifier = identifier
        self.limits = limits
        self.counts = counts
        self.purpose = purpose
        self.tier = tier
    }

    /// A token that was authenticated and has the restrictions of its minter only.
    public init(identifier: L402Identifier, summary: TokenRestrictions, service: String, purpose: InvoicePurpose?) {
        var limits = UsageLimits(expiresAt: summary.expiresAt)
        limits.mintedExpiry = summary.expiresAt
        self.init(
            identifier: identifier,
            limits: limits,
            counts: [],
            purpose: purpose,
            tier: summary.services[service] ?? 0
        )
    }

    /// One count of uses.
    public struct UseCount: Sendable, Hashable {
        /// SHA-256 of the token's signature at the limiting caveat, 32 bytes.
        public let key: [UInt8]
        public let uses: Int64?
        public let sats: Int64?
    }
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

    /// Mints the token of a deposit: always the same for the same payment, as long as the epoch that mints is the same.
    ///
    /// So the payer gets it again with nothing but the preimage.
    public func mintDeposit(paymentHash: PaymentHash, terms: TokenTerms) -> Macaroon {
        let name = derive("assay/l402/deposit/1", paymentHash.bytes, epoch: mintEpoch)
        guard let name, let tokenID = TokenID([mintEpoch] + name.prefix(31)) else {
            preconditionFailure("the minting epoch is never unknown or retired")
        }
        let identifier = L402Identifier(paymentHash: paymentHash, tokenID: tokenID)
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
        let (identifier, rootKey) = try authenticate(credential, isRevoked: isRevoked)
        let limits = try CaveatChecker.check(credential.macaroon.caveats, scope)
        let links = limits.counted.isEmpty ? [] : credential.macaroon.links(rootKey: rootKey)
        return VerifiedToken(
            identifier: identifier,
            limits: limits,
            counts: limits.counted.map { counted in
                VerifiedToken.UseCount(
                    key: Array(SHA256.hash(data: links[counted.index])),
                    uses: counted.uses,
                    sats: counted.sats
                )
            },
            purpose: purpose(of: credential.preimage),
            tier: limits.tier
        )
    }

    /// Authenticates a credential, whatever its caveats say, and reads what it says of itself.
    ///
    /// - Returns: the token's names, and the names of its counts in the order of ``TokenRestrictions/counted``.
    public func inspect(
        _ credential: Credential,
        service: String,
        isRevoked: (L402Identifier) -> Bool = { _ in false }
    ) throws(Refusal) -> (identifier: L402Identifier, summary: TokenRestrictions, counts: [[UInt8]]) {
        let (identifier, rootKey) = try authenticate(credential, isRevoked: isRevoked)
        let summary = try TokenRestrictions(credential.macaroon.caveats, service: service)
        let links = summary.counted.isEmpty ? [] : credential.macaroon.links(rootKey: rootKey)
        return (identifier, summary, summary.counted.map { Array(SHA256.hash(data: links[$0.index])) })
    }

    private func authenticate(
        _ credential: Credential,
        isRevoked: (L402Identifier) -> Bool
    ) throws(Refusal) -> (L402Identifier, rootKey: [UInt8]) {
        guard let identifier = L402Identifier(credential.macaroon.identifier) else { throw Refusal(.unknownVersion) }
        guard let rootKey = rootKey(for: identifier) else { throw Refusal(.unknownKey) }
        guard credential.macaroon.isSigned(by: rootKey) else { throw Refusal(.badSignature) }
        guard !credential.macaroon.hasThirdPartyCaveat else { throw Refusal(.thirdPartyCaveat) }
        guard !isRevoked(identifier) else { throw Refusal(.revoked) }
        guard credential.preimage.paymentHash == identifier.paymentHash else { throw Refusal(.preimageMismatch) }
        return (identifier, rootKey)
    }
}
