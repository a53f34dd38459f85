// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a request would cost, and why: what `assay services check --url` says.
public struct CatalogueExplanation: Sendable {
    /// How the request would be answered.
    public enum Outcome: String, Sendable {
        /// Forwarded without payment.
        case free
        /// Forwarded once it is paid for.
        case paid
        /// Forwarded, and counted as one that should have been paid for.
        case shadow
        /// Answered here: 400, 404, 405, 411 or 413.
        case refused
    }

    public let outcome: Outcome
    /// The price of the request; `nil` when it is refused.
    public let price: MilliSatoshi?
    public let service: String?
    public let route: String?
    public let capability: String?
    /// Where it would go.
    public let upstream: String?
    /// Step by step, in the order in which it is decided.
    public let steps: [String]
}

extension Catalogue {
    /// Explains what happens to a request.
    ///
    /// - Parameters:
    ///   - authority: the request's `Host`; `nil` for any that no service names.
    ///   - path: without the query.
    ///   - bodyBytes: the length of its body; `nil` when it is not announced.
    public func explain(authority: String?, method: String, path: String, bodyBytes: Int?) -> CatalogueExplanation {
        var steps: [String] = []
        if let authority {
            let host = HostPattern.host(ofAuthority: authority)
            let whose =
                claims(authority: authority)
                ? "a service names it" : "no service names it, so services without hosts answer"
            steps.append("host \(host): \(whose)")
        }
        switch match(authority: authority, method: method, path: path) {
        case .badPath: return refused(steps, "path \(path): it can be read in more than one way: 400")
        case .none: return refused(steps, "path \(path): no route matches: 404")
        case .methodNotAllowed(let allow):
            return refused(steps, "method \(method): the path answers \(allow.joined(separator: ", ")): 405")
        case .found(let finding):
            steps.append("route \(finding.route.pattern) of service \(finding.service.name) is the most specific one")
            return explain(finding, method, bodyBytes, steps)
        }
    }

    private func refused(_ steps: [String], _ last: String) -> CatalogueExplanation {
        CatalogueExplanation(
            outcome: .refused,
            price: nil,
            service: nil,
            route: nil,
            capability: nil,
            upstream: nil,
            steps: steps + [last]
        )
    }

    private func explain(
        _ finding: CatalogueMatch.Finding,
        _ method: String,
        _ bodyBytes: Int?,
        _ before: [String]
    ) -> CatalogueExplanation {
        let (service, route) = (finding.service, finding.route)
        var steps = before
        if let bodyBytes, bodyBytes > service.bodyLimit {
            return refused(steps, "body of \(bodyBytes) bytes: the limit is \(service.bodyLimit): 413")
        }
        guard route.auth != .off else {
            steps.append("auth is off: nothing is sold")
            return explanation(finding, .free, .zero, steps)
        }
        switch route.price.quote(bodyBytes: bodyBytes) {
        case .lengthRequired:
            return refused(steps, "the price depends on the body's length, which is not announced, and has no max: 411")
        case .price(.zero, _):
            steps.append("the price is 0: forwarded without payment")
            return explanation(finding, .free, .zero, steps)
        case .price(let price, let reason):
            steps.append("price \(price.short): \(reason)")
            if let free = finding.freeAllowance {
                steps.append("the first \(free.limit) requests a day of a client's network (/24, /48) cost nothing")
            }
            if route.requestsPerInvoice > 1 {
                steps.append("one invoice pays for \(route.requestsPerInvoice) requests")
            }
            steps.append("a token needs services=\(service.name):\(route.tier) and capability \(route.capability)")
            if route.auth == .shadow { steps.append("auth is shadow: served anyway; what would be refused is counted") }
            steps.append(
                "charged when the backend's answer begins with a 2xx or 3xx status; other answers cost nothing"
            )
            return explanation(finding, route.auth == .shadow ? .shadow : .paid, price, steps)
        }
    }

    private func explanation(
        _ finding: CatalogueMatch.Finding,
        _ outcome: CatalogueExplanation.Outcome,
        _ price: MilliSatoshi,
        _ steps: [String]
    ) -> CatalogueExplanation {
        let backend = finding.service.backend
        let upstream = "\(backend.isSecure ? "https" : "http")://\(backend.authority())\(finding.forwardedPath)"
        return CatalogueExplanation(
            outcome: outcome,
            price: price,
            service: finding.service.name,
            route: finding.route.pattern.description,
            capability: finding.route.capability,
            upstream: upstream,
            steps: steps + ["forwarded to \(upstream)"]
        )
    }
}
