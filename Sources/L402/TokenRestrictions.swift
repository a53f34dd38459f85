// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Macaroons

/// What a token says of itself, whatever the request.
public struct TokenRestrictions: Sendable, Hashable {
    /// The tier of every service it is for.
    public let services: [String: Int]
    /// What it may be used for; `nil` for everything the service has.
    public let capabilities: [String]?
    /// When it ends, in Unix seconds; `nil` for never.
    public let expiresAt: Int64?
    /// The caveats as text, in order.
    public let caveats: [String]
    /// Where uses are counted.
    public let counted: [CountedCaveat]
    /// The exact restrictions a minter adds, if the token has these and no others.
    public let mintedTerms: TokenTerms?

    /// Reads the caveats of a token for a service.
    /// - Throws: ``Refusal`` when one of them cannot be evaluated, or is wider than one before it.
    public init(_ caveats: [Caveat], service: String) throws(Refusal) {
        var values: [(condition: String, value: CaveatValue)] = []
        var counted: [CountedCaveat] = []
        for (index, caveat) in caveats.enumerated() {
            let (condition, value) = try CaveatChecker.read(caveat, service: service)
            guard let value else { continue }
            if let previous = values.last(where: { $0.condition == condition }), !value.isWithin(previous.value) {
                throw Refusal(.widened)
            }
            values.append((condition, value))
            switch value {
            case .uses(let count): counted.append(CountedCaveat(index: index, uses: count, sats: nil))
            case .sats(let count): counted.append(CountedCaveat(index: index, uses: nil, sats: count))
            default: break
            }
        }
        var services: [String: Int] = [:]
        var capabilities: [String]?
        var expiresAt: Int64?
        for (_, value) in values {
            switch value {
            case .services(let tiers): services = tiers
            case .capabilities(let names): capabilities = names.sorted()
            case .validUntil(let milliseconds): expiresAt = min(expiresAt ?? .max, milliseconds / 1000)
            default: break
            }
        }
        self.services = services
        self.capabilities = capabilities
        self.expiresAt = expiresAt
        self.caveats = caveats.map { $0.text ?? "(not text)" }
        self.counted = counted
        mintedTerms = Self.terms(self.caveats, service: service, services, capabilities, expiresAt)
    }

    /// The terms whose caveats are exactly these, if there are any.
    private static func terms(
        _ caveats: [String],
        service: String,
        _ services: [String: Int],
        _ capabilities: [String]?,
        _ expiresAt: Int64?
    ) -> TokenTerms? {
        guard let tier = services[service] else { return nil }
        func value(_ condition: String) -> String? {
            caveats.first { $0.hasPrefix("\(condition)=") }.map { String($0.dropFirst(condition.count + 1)) }
        }
        let terms = TokenTerms(
            service: service,
            tier: tier,
            capabilities: value("\(service)_capabilities").map { $0.split(separator: ",").map(String.init) },
            validUntil: expiresAt,
            method: value("method"),
            pathPrefix: value("path_prefix")
        )
        return terms.caveats == caveats ? terms : nil
    }
}
