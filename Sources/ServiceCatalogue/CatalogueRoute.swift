// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import YAML

/// One route of a service: which requests, what they cost, and how the gate treats them.
public struct CatalogueRoute: Sendable, Hashable {
    /// What happens to a request that has not been paid for.
    public enum Auth: String, Sendable, Hashable, CaseIterable {
        /// It is answered with 402.
        case on
        /// It is forwarded; nothing is sold.
        case off
        /// It is forwarded, and what would have been refused is logged and counted.
        case shadow
    }

    /// How a request may be paid for.
    public enum Scheme: String, Sendable, Hashable, CaseIterable {
        case l402
        case payment
    }

    /// The methods a route answers.
    public enum Methods: Sendable, Hashable {
        case any
        /// Upper case, in the file's order.
        case only([String])

        public func contains(_ method: String) -> Bool {
            switch self {
            case .any: true
            case .only(let methods): methods.contains(method)
            }
        }

        /// The only method, if there is one.
        public var single: String? {
            guard case .only(let methods) = self, methods.count == 1 else { return nil }
            return methods.first
        }

        public var names: [String] {
            switch self {
            case .any: ["*"]
            case .only(let methods): methods
            }
        }

        func overlaps(_ other: Methods) -> Bool {
            guard case .only(let own) = self, case .only(let others) = other else { return true }
            return !Set(own).isDisjoint(with: others)
        }
    }

    public let pattern: RoutePattern
    public let methods: Methods
    public let price: RoutePrice
    /// What a token needs among its capabilities.
    public let capability: String
    /// The least tier a token needs, 0 to 255.
    public let tier: Int
    public let auth: Auth
    public let schemes: Set<Scheme>
    /// How many requests one invoice pays for, at least 1.
    public let requestsPerInvoice: Int64
    /// Free requests per client network and UTC day of this route alone; `nil` to share the service's.
    public let freePerDay: Int?
    /// Where the route stands in the file.
    public let mark: YAMLMark
}
