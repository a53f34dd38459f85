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
        // A token has few conditions: looking through them is quicker than hashing.
        var effective: [EffectiveValue] = []
        var limits = UsageLimits()
        for (index, caveat) in caveats.enumerated() {
            let (condition, value) = try read(caveat, service: scope.service)
            guard let value else { continue }
            if let place = effective.firstIndex(where: { $0.condition == condition }) {
                guard value.isWithin(effective[place].value) else { throw Refusal(.widened) }
                effective[place].value = value
            } else {
                effective.append(EffectiveValue(condition: condition, value: value))
            }
            switch value {
            case .uses(let count): limits.counted.append(CountedCaveat(index: index, uses: count, sats: nil))
            case .validUntil(let milliseconds) where condition != "valid_until" && condition != "expires_at":
                limits.mintedExpiry = limits.mintedExpiry ?? milliseconds / 1000
            case .sats(let count): limits.counted.append(CountedCaveat(index: index, uses: nil, sats: count))
            default: break
            }
        }
        // In a fixed order, so that the same token always gets the same answer.
        effective.sort { $0.condition < $1.condition }
        for deciding in effective { try check(deciding.value, scope, &limits) }
        return limits
    }

    /// The last value of a condition, which decides.
    private struct EffectiveValue {
        let condition: String
        var value: CaveatValue
    }

    /// Reads one caveat; the value is `nil` when the condition is another application's.
    static func read(_ caveat: Caveat, service: String) throws(Refusal) -> (condition: String, value: CaveatValue?) {
        let (condition, text) = try split(caveat)
        return (condition, try CaveatValue.read(condition, text, service: service))
    }

    private static func split(_ caveat: Caveat) throws(Refusal) -> (condition: String, value: String) {
        let parts = caveat.identifier.withUnsafeBufferPointer { bytes -> (String, String)? in
            guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")) else { return nil }
            guard let condition = bytes[..<equals].trimmedText, let value = bytes[(equals + 1)...].trimmedText else {
                return nil
            }
            return (condition, value)
        }
        guard let parts else { throw Refusal(.badCaveat) }
        return parts
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
