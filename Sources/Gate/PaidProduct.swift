// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a paid route sells.
public struct PaidProduct: Sendable, Hashable {
    /// The route family's name, such as `profile`: capability of its tokens and key of the revenue statistics.
    public let capability: String
    /// Price of one request.
    public let price: MilliSatoshi
    /// The method the route answers, upper case.
    public let method: String
    /// The fixed part of the route's path; tokens bought here are bound to it.
    public let pathPrefix: String

    public init(capability: String, price: MilliSatoshi, method: String, pathPrefix: String) {
        self.capability = capability
        self.price = price
        self.method = method
        self.pathPrefix = pathPrefix
    }
}
