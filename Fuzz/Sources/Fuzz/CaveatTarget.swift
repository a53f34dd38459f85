// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import IPAddresses
import L402
import LightningPrimitives
import Macaroons

extension FuzzTarget {
    /// Caveats, one a line, after five bytes that choose the request.
    static let caveat = FuzzTarget(name: "Caveat") { input in
        guard input.count > 5 else { return }
        let scope = scope(Array(input.prefix(5)))
        let caveats = input.dropFirst(5).split(separator: UInt8(ascii: "\n")).prefix(16).map {
            Caveat(identifier: Array($0))
        }
        checkNarrowing(caveats, scope)
        checkToken(caveats, scope)
    }

    private static func scope(_ choices: [UInt8]) -> RequestScope {
        func pick<Value>(_ values: [Value], _ index: Int) -> Value { values[Int(choices[index]) % values.count] }
        return RequestScope(
            service: "assay",
            tier: pick([0, 1, 255], 0),
            capability: pick(["score", "deposit", ""], 1),
            method: pick(["GET", "POST"], 1),
            path: pick(["/api/score", "/api/../score", "/api//score", "/", "/a%2Fb", "*"], 2),
            clientAddress: pick([IPAddress("203.0.113.7"), IPAddress("2001:db8::1"), nil], 3),
            now: pick([1_800_000_000, 0, -1, .max, .min], 4)
        )
    }

    /// Whatever a holder adds, what was refused stays refused and no limit grows.
    private static func checkNarrowing(_ caveats: [Caveat], _ scope: RequestScope) {
        var previous: Result<UsageLimits, Refusal> = .success(UsageLimits())
        var hasServices = false
        for count in 0...caveats.count {
            let chain = Array(caveats.prefix(count))
            let current = Result { () throws(Refusal) in try CaveatChecker.check(chain, scope) }
            defer { previous = current }
            guard case .success(let limits) = current else { continue }
            guard case .success(let wider) = previous else {
                return require(false, "a caveat admits what was refused without it")
            }
            require((limits.uses ?? .max) <= (wider.uses ?? .max), "a caveat allows more uses")
            require((limits.sats ?? .max) <= (wider.sats ?? .max), "a caveat allows more spending")
            require((limits.expiresAt ?? .max) <= (wider.expiresAt ?? .max), "a caveat makes a token last longer")
            require(limits.counted.starts(with: wider.counted), "a caveat removes a count")
            require(wider.mintedExpiry == nil || limits.mintedExpiry == wider.mintedExpiry, "the minter's expiry stays")
            require(!hasServices || limits.tier <= wider.tier, "a caveat raises the tier")
            hasServices =
                hasServices || (try? TokenRestrictions(chain, service: scope.service).services.isEmpty) == false

            let restrictions = require(
                "what is admitted can be read",
                {
                    try TokenRestrictions(chain, service: scope.service)
                }
            )
            require(restrictions.expiresAt == limits.expiresAt, "both readers see the same expiry")
            require(restrictions.counted == limits.counted, "both readers see the same counts")
        }
    }

    /// A gate, a holder who narrows and an operator who examines agree about the same token.
    private static func checkToken(_ caveats: [Caveat], _ scope: RequestScope) {
        let (ring, preimage) = (Fixtures.ring, Fixtures.preimage)
        let terms = TokenTerms(service: scope.service, tier: 1, capabilities: nil, validUntil: 1_900_000_000)
        let minted = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
        let token = caveats.reduce(minted) { $0.adding($1) }
        let verdict = Result { () throws(Refusal) in
            try ring.verify(Credential(macaroon: token, preimage: preimage), for: scope)
        }

        let question = TokenQuestion(
            service: scope.service,
            tier: scope.tier,
            capability: scope.capability,
            method: scope.method,
            path: scope.path,
            clientAddress: scope.clientAddress,
            now: scope.now
        )
        let failures = ring.examine(token, preimage: preimage, for: question).compactMap { check -> Refusal.Code? in
            guard case .failed(let code) = check.outcome else { return nil }
            return code
        }
        switch verdict {
        case .success: require(failures.isEmpty, "an examination refuses what a gate admits: \(failures)")
        case .failure(let refusal):
            let isLeftOpen = refusal.code == .ipDenied && scope.clientAddress == nil
            require(isLeftOpen || failures.first == refusal.code, "\(refusal.code) is examined as \(failures)")
        }

        let texts = caveats.compactMap(\.text)
        guard texts.count == caveats.count, token.serialized().count <= Macaroon.Limits().size else { return }
        guard caveats.allSatisfy({ $0.identifier.count <= Macaroon.Limits().caveatSize }) else { return }
        guard let narrowed = try? minted.narrowed(by: texts) else {
            if case .success = verdict { require(false, "a gate admits what no holder can make") }
            return
        }
        require(narrowed == token, "narrowing is adding")
        if case .failure(let refusal) = verdict {
            let unreadable: [Refusal.Code] = [.badCaveat, .unknownOwnCaveat, .widened]
            require(!unreadable.contains(refusal.code), "narrowing makes a token that is \(refusal.code)")
        }
    }
}
