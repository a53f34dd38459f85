// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses
public import Macaroons

/// Decides whether a token's caveats, already authenticated, admit a request.
public enum CaveatChecker {
    /// Checks every caveat.
    ///
    /// Caveats with the same condition form a chain in which each may only narrow the one before; the last decides.
    /// - Returns: the limits that only the ledger can check.
    /// - Throws: ``Refusal`` with the code of the first caveat that does not admit the request.
    public static func check(_ caveats: [Caveat], _ scope: RequestScope) throws(Refusal) -> UsageLimits {
        var effective: [String: CaveatValue] = [:]
        var limits = UsageLimits()
        for (index, caveat) in caveats.enumerated() {
            let (condition, value) = try read(caveat, service: scope.service)
            guard let value else { continue }
            if let previous = effective[condition], !value.isWithin(previous) { throw Refusal(.widened) }
            effective[condition] = value
            switch value {
            case .uses(let count): limits.counted.append(CountedCaveat(index: index, uses: count, sats: nil))
            case .validUntil(let milliseconds) where condition == "\(scope.service)_valid_until":
                limits.mintedExpiry = limits.mintedExpiry ?? milliseconds / 1000
            case .sats(let count): limits.counted.append(CountedCaveat(index: index, uses: nil, sats: count))
            default: break
            }
        }
        // In a fixed order, so that the same token always gets the same answer.
        for (_, value) in effective.sorted(by: { $0.key < $1.key }) { try check(value, scope, &limits) }
        return limits
    }

    /// Reads one caveat; the value is `nil` when the condition is another application's.
    static func read(_ caveat: Caveat, service: String) throws(Refusal) -> (condition: String, value: CaveatValue?) {
        let (condition, text) = try split(caveat)
        return (condition, try CaveatValue.read(condition, text, service: service))
    }

    private static func split(_ caveat: Caveat) throws(Refusal) -> (condition: String, value: String) {
        guard let text = caveat.text, let equals = text.firstIndex(of: "=") else { throw Refusal(.badCaveat) }
        return (String(text[..<equals]).trimmingBlanks(), String(text[text.index(after: equals)...]).trimmingBlanks())
    }

    /// Checks the deciding value of one condition.
    static func check(_ value: CaveatValue, _ scope: RequestScope, _ limits: inout UsageLimits) throws(Refusal) {
        switch value {
        case .services(let tiers):
            guard let tier = tiers[scope.service] else { throw Refusal(.wrongService) }
            guard tier >= scope.tier else { throw Refusal(.tierTooLow) }
            limits.tier = tier
        case .capabilities(let allowed):
            guard allowed.contains(scope.capability) else { throw Refusal(.capabilityDenied) }
        case .validUntil(let milliseconds):
            let (now, overflow) = scope.now.multipliedReportingOverflow(by: 1000)
            guard !overflow, now < milliseconds else { throw Refusal(.expired) }
            limits.expiresAt = min(limits.expiresAt ?? .max, milliseconds / 1000)
        case .methods(let allowed):
            guard allowed.contains(scope.method) else { throw Refusal(.methodDenied) }
        case .pathPrefix(let prefix):
            guard let path = RequestPath.segments(scope.path), path.starts(with: prefix) else {
                throw Refusal(.pathDenied)
            }
        case .uses(let count): limits.uses = count
        case .sats(let count): limits.sats = count
        case .network(let network):
            guard let address = scope.clientAddress, network.contains(address) else { throw Refusal(.ipDenied) }
        }
    }
}
