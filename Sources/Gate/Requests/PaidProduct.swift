// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a paid route sells.
public struct PaidProduct: Sendable, Hashable {
    /// How a request may be paid for.
    public struct Schemes: OptionSet, Sendable, Hashable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        /// Token and preimage, `Authorization: L402`.
        public static let l402 = Schemes(rawValue: 1)
        /// One payment for one request, `Authorization: Payment`.
        public static let payment = Schemes(rawValue: 2)
        public static let all: Schemes = [.l402, .payment]
    }

    /// The service's name in caveats.
    public var service: String
    /// The least tier of the service that a token needs, 0 to 255.
    public var tier: Int
    /// The route family's name, such as `profile`: capability of its tokens.
    public var capability: String
    /// What revenue is booked under; unique over all services.
    public var route: String
    /// Price of one request.
    public var price: MilliSatoshi
    /// How many requests the invoice pays for, at least 1.
    public var requestsPerInvoice: Int64
    /// The method the route answers, upper case, to which tokens bought here are bound; `nil` binds them to none.
    public var method: String?
    /// The fixed part of the route's path, to which tokens bought here are bound; `nil` binds them to none.
    public var pathPrefix: String?
    /// Seconds a token lives after its invoice's expiry; `nil` for the gate's default.
    public var tokenLifetimeSeconds: Int64?
    /// The schemes offered and accepted.
    public var schemes: Schemes
    /// Whether deposits pay their own, lower rate; not where most of the price is passed on to somebody else.
    public var allowsDepositRate = true

    public init(
        service: String = "assay",
        tier: Int = 0,
        capability: String,
        route: String? = nil,
        price: MilliSatoshi,
        requestsPerInvoice: Int64 = 1,
        method: String?,
        pathPrefix: String?,
        tokenLifetimeSeconds: Int64? = nil,
        schemes: Schemes = .all
    ) {
        self.service = service
        self.tier = tier
        self.capability = capability
        self.route = route ?? capability
        self.price = price
        self.requestsPerInvoice = max(1, requestsPerInvoice)
        self.method = method
        self.pathPrefix = pathPrefix
        self.tokenLifetimeSeconds = tokenLifetimeSeconds
        self.schemes = schemes
    }

    /// What the invoice asks for.
    public var invoiceAmount: MilliSatoshi {
        let (msat, overflow) = price.msat.multipliedReportingOverflow(by: requestsPerInvoice)
        return overflow ? .supply : MilliSatoshi(msat: msat)
    }
}
