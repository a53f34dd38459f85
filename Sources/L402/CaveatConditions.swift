// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses

/// What a request asks of a token, as far as its caveats can tell.
public struct RequestScope: Sendable, Hashable {
    /// The service's name, such as `assay`.
    public var service: String
    /// The least tier that serves the request, 0 to 255.
    public var tier: Int
    /// The capability the route belongs to.
    public var capability: String
    /// The request's method, upper case.
    public var method: String
    /// The request's path as received, without the query.
    public var path: String
    /// The client's address, if known; a token bound to an address needs it.
    public var clientAddress: IPAddress?
    /// Now, in Unix seconds.
    public var now: Int64

    public init(
        service: String,
        tier: Int = 0,
        capability: String,
        method: String,
        path: String,
        clientAddress: IPAddress?,
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
}

/// The limits of a token that only the ledger can check, because they count uses.
public struct UsageLimits: Sendable, Hashable {
    /// Requests this exact token may have served, at most; `nil` for no limit.
    public var uses: Int64?
    /// Satoshi this exact token may spend, at most; `nil` for no limit.
    public var sats: Int64?
    /// When the token stops being valid, in Unix seconds; `nil` for never.
    public var expiresAt: Int64?
    /// The token's tier of the service, 0 to 255.
    public var tier = 0
    /// The first `<service>_valid_until`, in Unix seconds: the minter's, before any holder narrowed it.
    public var mintedExpiry: Int64?
    /// Where the token says how much it may be used: each place has a count of its own, which everything that is derived
    /// from the token at that place shares.
    public var counted: [CountedCaveat] = []

    public init(uses: Int64? = nil, sats: Int64? = nil, expiresAt: Int64? = nil) {
        self.uses = uses
        self.sats = sats
        self.expiresAt = expiresAt
    }

    /// Whether one more request at a price fits, given what this exact token has used so far.
    public func admits(usesSoFar: Int64, satsSoFar: Int64, priceSats: Int64) -> Bool {
        if let uses, usesSoFar >= uses { return false }
        guard let sats else { return true }
        let (total, overflow) = satsSoFar.addingReportingOverflow(priceSats)
        return !overflow && total <= sats
    }
}

/// A caveat that limits use, by its place in the token.
public struct CountedCaveat: Sendable, Hashable {
    /// How many caveats stand before it.
    public let index: Int
    public let uses: Int64?
    public let sats: Int64?
}

/// The value of one caveat, by its condition.
enum CaveatValue: Hashable {
    case services([String: Int])
    case capabilities(Set<String>)
    /// Unix milliseconds.
    case validUntil(Int64)
    case methods(Set<String>)
    case pathPrefix([String])
    case uses(Int64)
    case sats(Int64)
    case network(IPNetwork)

    /// Whether this value allows nothing that the one before it does not.
    func isWithin(_ previous: CaveatValue) -> Bool {
        switch (self, previous) {
        case (.services(let own), .services(let other)):
            own.allSatisfy { name, tier in other[name].map { tier <= $0 } ?? false }
        case (.capabilities(let own), .capabilities(let other)): own.isSubset(of: other)
        case (.validUntil(let own), .validUntil(let other)): own <= other
        case (.methods(let own), .methods(let other)): own.isSubset(of: other)
        case (.pathPrefix(let own), .pathPrefix(let other)): own.starts(with: other)
        case (.uses(let own), .uses(let other)), (.sats(let own), .sats(let other)): own <= other
        case (.network(let own), .network(let other)): other.contains(own)
        default: false
        }
    }
}

extension CaveatValue {
    /// Reads the value of a condition that this service knows.
    ///
    /// - Returns: the value, or `nil` for a condition of another application, which is skipped.
    static func read(_ condition: String, _ value: String, service: String) throws(Refusal) -> CaveatValue? {
        switch condition {
        case "services": return .services(try services(value))
        case "valid_until", "expires_at": return .validUntil(try milliseconds(value))
        case "method":
            let methods = list(value)
            guard !methods.isEmpty else { throw Refusal(.badCaveat) }
            return .methods(Set(methods))
        case "path_prefix":
            guard !value.hasEmptySegment, let path = RequestPath.segments(value) else {
                throw Refusal(.badCaveat)
            }
            return .pathPrefix(path)
        case "n_uses": return .uses(try count(value))
        case "max_sats": return .sats(try count(value))
        case "ip":
            guard let network = IPNetwork(value) else { throw Refusal(.badCaveat) }
            return .network(network)
        default: return try readOwn(condition, value, service: service)
        }
    }

    /// Reads a condition that begins with the service's name: one that is unknown here must not be skipped.
    private static func readOwn(_ condition: String, _ value: String, service: String) throws(Refusal) -> CaveatValue? {
        let name = condition.utf8
        guard name.starts(with: service.utf8), name.dropFirst(service.utf8.count).first == UInt8(ascii: "_") else {
            return nil
        }
        switch Substring(name.dropFirst(service.utf8.count + 1)) {
        case "capabilities": return .capabilities(Set(list(value)))
        case "valid_until": return .validUntil(try milliseconds(value))
        default: throw Refusal(.unknownOwnCaveat)
        }
    }

    private static func list(_ value: String) -> [String] {
        value.utf8.split(separator: UInt8(ascii: ",")).compactMap { item in
            let text = Substring(item).trimmingBlanks()
            return text.isEmpty ? nil : String(text)
        }
    }

    private static func services(_ value: String) throws(Refusal) -> [String: Int] {
        var tiers: [String: Int] = [:]
        for item in value.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let parts = Substring(item).trimmingBlanks().utf8
                .split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[1].allSatisfy(isDigit),
                let tier = UInt8(Substring(parts[1]))
            else { throw Refusal(.badCaveat) }
            tiers[String(Substring(parts[0]))] = Int(tier)
        }
        return tiers
    }

    /// Reads a time; values of 100000000000 and more are milliseconds already, smaller ones are seconds.
    private static func milliseconds(_ value: String) throws(Refusal) -> Int64 {
        let digits = value.hasPrefix("-") ? value.dropFirst() : value[...]
        guard (1...19).contains(digits.utf8.count), digits.utf8.allSatisfy(isDigit), let time = Int64(value) else {
            throw Refusal(.badCaveat)
        }
        guard time < 100_000_000_000 else { return time }
        let (result, overflow) = time.multipliedReportingOverflow(by: 1000)
        // Only a time far in the past can overflow.
        return overflow ? .min : result
    }

    private static func count(_ value: String) throws(Refusal) -> Int64 {
        guard (1...10).contains(value.utf8.count), value.utf8.allSatisfy(isDigit), let number = Int64(value),
            (1...4_294_967_295).contains(number)
        else { throw Refusal(.badCaveat) }
        return number
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

extension Substring {
    /// The text without ASCII spaces and tabs at its ends.
    func trimmingBlanks() -> Substring {
        var text = utf8.drop(while: \.isBlank)
        while let last = text.last, last.isBlank { text.removeLast() }
        return Substring(text)
    }
}

extension String {
    /// The text without ASCII spaces and tabs at its ends.
    func trimmingBlanks() -> String { String(self[...].trimmingBlanks()) }

    /// Whether the path has two slashes in a row.
    fileprivate var hasEmptySegment: Bool {
        zip(utf8, utf8.dropFirst()).contains { $0 == UInt8(ascii: "/") && $1 == UInt8(ascii: "/") }
    }
}

extension Slice<UnsafeBufferPointer<UInt8>> {
    /// The text without ASCII spaces and tabs at its ends, or `nil` when it is not UTF-8.
    var trimmedText: String? {
        var bytes = self
        while let first = bytes.first, first.isBlank { bytes.removeFirst() }
        while let last = bytes.last, last.isBlank { bytes.removeLast() }
        return String(validating: UnsafeBufferPointer(rebasing: bytes), as: UTF8.self)
    }
}

extension UInt8 {
    /// Space or tab.
    var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
}
