// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses
public import LightningPrimitives
public import Macaroons

/// What to examine a token for; what is `nil` is not checked.
public struct TokenQuestion: Sendable, Hashable {
    /// The service's name, such as `assay`.
    public var service: String
    /// The least tier, 0 to 255.
    public var tier: Int
    public var capability: String?
    /// The request's method, upper case.
    public var method: String?
    /// The request's path, without the query.
    public var path: String?
    public var clientAddress: IPAddress?
    /// Unix seconds.
    public var now: Int64

    public init(
        service: String,
        tier: Int = 0,
        capability: String? = nil,
        method: String? = nil,
        path: String? = nil,
        clientAddress: IPAddress? = nil,
        now: Int64
    ) {
        self.service = service
        self.tier = tier
        self.capability = capability
        self.method = method
        self.path = path
        self.clientAddress = clientAddress
        self.now = now
    }

    /// The request that stands for the question; conditions on what it leaves open are not checked against it.
    var scope: RequestScope {
        RequestScope(
            service: service,
            tier: tier,
            capability: capability ?? "",
            method: method ?? "",
            path: path ?? "",
            clientAddress: clientAddress,
            now: now
        )
    }
}

/// One check of a token and how it ended.
public struct TokenCheck: Sendable, Hashable {
    /// How a check ended.
    public enum Outcome: Sendable, Hashable {
        case passed
        case failed(Refusal.Code)
        /// Something to check against is missing, or an earlier check left nothing to check.
        case skipped
    }

    /// What was checked: `identifier`, `key`, `signature`, `third_party`, `preimage` or a caveat's condition.
    public let name: String
    public let outcome: Outcome
    /// What was found, in one clause; never a secret.
    public let detail: String
}

extension KeyRing {
    /// Makes every check that a gate makes of a token before it asks the ledger, and goes on after a failure.
    ///
    /// The first check that failed is the one a gate would refuse the token for. Revocation, settlement and balance are
    /// known to the ledger only.
    public func examine(_ macaroon: Macaroon, preimage: Preimage?, for question: TokenQuestion) -> [TokenCheck] {
        guard let identifier = L402Identifier(macaroon.identifier) else {
            return [check("identifier", .unknownVersion, "not the identifier of an L402 token")]
        }
        let epoch = identifier.tokenID.epoch
        var checks = [check("identifier", nil, "payment \(identifier.paymentHash.hex)")]
        if let rootKey = rootKey(for: identifier) {
            let isSigned = macaroon.isSigned(by: rootKey)
            checks.append(check("key", nil, "epoch \(epoch) is in the ring"))
            checks.append(check("signature", isSigned ? nil : .badSignature, isSigned ? "made with the ring" : ""))
        } else {
            checks.append(check("key", .unknownKey, "epoch \(epoch) is unknown or retired"))
            checks.append(TokenCheck(name: "signature", outcome: .skipped, detail: "there is no key to check it with"))
        }
        let hasThirdParty = macaroon.hasThirdPartyCaveat
        checks.append(check("third_party", hasThirdParty ? .thirdPartyCaveat : nil, hasThirdParty ? "" : "none"))
        if let preimage {
            let isRight = preimage.paymentHash == identifier.paymentHash
            checks.append(check("preimage", isRight ? nil : .preimageMismatch, isRight ? "proves the payment" : ""))
        } else {
            checks.append(TokenCheck(name: "preimage", outcome: .skipped, detail: "not given"))
        }
        return checks + caveatChecks(macaroon.caveats, question)
    }

    private func check(_ name: String, _ code: Refusal.Code?, _ detail: String) -> TokenCheck {
        guard let code else { return TokenCheck(name: name, outcome: .passed, detail: detail) }
        let text = detail.isEmpty ? Refusal(code).detail : detail
        return TokenCheck(name: name, outcome: .failed(code), detail: text)
    }

    private func caveatChecks(_ caveats: [Caveat], _ question: TokenQuestion) -> [TokenCheck] {
        var effective: [String: CaveatValue] = [:]
        var broken: [TokenCheck] = []
        for caveat in caveats where caveat.verificationID == nil {
            do {
                let (condition, value) = try CaveatChecker.read(caveat, service: question.service)
                guard let value else { continue }
                if let previous = effective[condition], !value.isWithin(previous) {
                    broken.append(check(condition, .widened, ""))
                }
                effective[condition] = value
            } catch {
                broken.append(check(caveat.printable, error.code, ""))
            }
        }
        // In the order in which a gate looks at them.
        return broken + effective.sorted { $0.key < $1.key }.map { verdict($0.key, $0.value, question) }
    }

    private func verdict(_ condition: String, _ value: CaveatValue, _ question: TokenQuestion) -> TokenCheck {
        if let missing = missing(value, question) {
            return TokenCheck(name: condition, outcome: .skipped, detail: "\(value.meaning); \(missing)")
        }
        do {
            var limits = UsageLimits()
            try CaveatChecker.check(value, question.scope, &limits)
            return check(condition, nil, value.meaning)
        } catch {
            return check(condition, error.code, "\(error.detail) It is \(value.meaning).")
        }
    }

    /// What is missing to check a value, or `nil` when everything is there.
    private func missing(_ value: CaveatValue, _ question: TokenQuestion) -> String? {
        switch value {
        case .capabilities where question.capability == nil: "no capability given"
        case .methods where question.method == nil: "no method given"
        case .pathPrefix where question.path == nil: "no path given"
        case .network where question.clientAddress == nil: "no address given"
        case .uses, .sats: "counted by the ledger"
        default: nil
        }
    }
}
