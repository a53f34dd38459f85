// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a request of a route costs.
public enum RoutePrice: Sendable, Hashable {
    /// The same for every request; zero is free.
    case fixed(MilliSatoshi)
    /// By the size of the request's body.
    case sized(SizedPrice)

    /// A price, or why there is none.
    public enum Quote: Sendable, Hashable {
        /// The price and how it came about.
        case price(MilliSatoshi, because: String)
        /// The body has no announced length and the route has no greatest price: 411.
        case lengthRequired
    }

    /// The price of one request.
    ///
    /// - Parameter bodyBytes: the body's length; `nil` when it is not announced.
    public func quote(bodyBytes: Int?) -> Quote {
        switch self {
        case .fixed(let price): return .price(price, because: "fixed price")
        case .sized(let sized): return sized.quote(bodyBytes: bodyBytes)
        }
    }

    /// Whether no request of the route ever costs anything.
    public var isFree: Bool { self == .fixed(.zero) }

    /// The price as it stands in the file, for tables.
    public var summary: String {
        switch self {
        case .fixed(let price): price == .zero ? "free" : price.short
        case .sized(let sized): sized.summary
        }
    }
}

/// `base + per_kib * KiB of the body`, not less than `least` and not more than `most`; a KiB that has begun counts.
public struct SizedPrice: Sendable, Hashable {
    public let base: MilliSatoshi
    public let perKiB: MilliSatoshi
    public let least: MilliSatoshi
    public let most: MilliSatoshi?

    public init(base: MilliSatoshi, perKiB: MilliSatoshi, least: MilliSatoshi, most: MilliSatoshi?) {
        self.base = base
        self.perKiB = perKiB
        self.least = least
        self.most = most
    }

    func quote(bodyBytes: Int?) -> RoutePrice.Quote {
        guard let bodyBytes else {
            guard let most else { return .lengthRequired }
            return .price(most, because: "the body's length is not announced, so the greatest price holds")
        }
        let size = Int64(max(0, bodyBytes))
        let kib = size / 1024 + (size % 1024 == 0 ? 0 : 1)
        let (product, overflow) = perKiB.msat.multipliedReportingOverflow(by: kib)
        let (sum, sumOverflow) = base.msat.addingReportingOverflow(product)
        let raw = overflow || sumOverflow ? MilliSatoshi.supply : min(.supply, MilliSatoshi(msat: sum))
        let formula = "\(base.short) + \(kib) KiB x \(perKiB.short) = \(raw.short)"
        if let most, raw > most { return .price(most, because: "\(formula), not more than \(most.short)") }
        if raw < least { return .price(least, because: "\(formula), not less than \(least.short)") }
        return .price(raw, because: formula)
    }

    var summary: String {
        var text = "\(base.short) + \(perKiB.short)/KiB"
        if least > .zero { text += ", at least \(least.short)" }
        if let most { text += ", at most \(most.short)" }
        return text
    }
}

extension MilliSatoshi {
    /// The amount as it is written in a services file.
    var short: String { msat % 1000 == 0 ? "\(msat / 1000)sat" : "\(msat)msat" }
}
