// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import L402

/// A token and the invoice that makes it valid, as a service offers them.
public struct L402Offer: Sendable, Hashable {
    /// The scheme's name in the answer.
    public enum Scheme: String, Sendable, Hashable { case l402 = "L402", lsat = "LSAT" }

    public let scheme: Scheme
    /// The token's text as sent.
    public let token: String
    /// The invoice's text as sent, unchecked.
    public let invoice: String
    public let format: TokenFormat
    /// Whether the strictest client in use, lnget, can read the challenge.
    public let isReadableByLnget: Bool
    /// Whether one of the headers also offers the Payment scheme.
    public let alsoOffersPayment: Bool
}

/// What a service's first answer means, to a payer of L402.
public enum ServiceAnswer: Sendable, Hashable {
    /// A challenge that can be paid.
    case l402(L402Offer)
    /// 402 whose challenge names L402 or LSAT but has no token or no invoice that can be read.
    case brokenChallenge
    /// 402 with the Payment scheme only; `method` is how it is paid, such as `lightning`.
    case payment(method: String?)
    /// 402 of x402, a protocol of stablecoins: no broken L402.
    case x402
    /// 402 that names no protocol we know.
    case otherPayment
    /// Serves without being paid.
    case open
    /// Redirects; redirects are not followed.
    case redirect
    /// Wants another method.
    case wrongMethod(allowed: [String])
    /// Asks us to come later: says nothing about the service.
    case tooManyRequests(retryAfterSeconds: Int?)
    /// The address is not there (404 or 410).
    case gone
    /// Any other 4xx.
    case refused
    /// 5xx, or a status that is none.
    case failing

    /// The header names it looks at, lower case.
    static let challengeHeader = "www-authenticate"

    /// Reads an answer.
    ///
    /// - Parameters:
    ///   - headers: in the order of the answer; names in any case.
    ///   - body: what was read of the body, looked at for x402 only.
    public init(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        func values(_ name: String) -> [String] { headers.filter { $0.name.lowercased() == name }.map(\.value) }
        switch status {
        case 402: self = Self.paymentRequired(values(Self.challengeHeader), values("payment-required"), body)
        case 200..<300: self = .open
        case 300..<400: self = .redirect
        case 404, 410: self = .gone
        case 405:
            let allowed = values("allow").flatMap { $0.split(separator: ",") }
            self = .wrongMethod(allowed: allowed.map { $0.filter { !$0.isWhitespace }.uppercased() })
        case 429:
            let wait = values("retry-after").first.flatMap { Int($0) }
            self = .tooManyRequests(retryAfterSeconds: wait.map { min(max($0, 1), 86_400) })
        case 400..<500: self = .refused
        default: self = .failing
        }
    }

    private static func paymentRequired(_ lines: [String], _ x402: [String], _ body: [UInt8]) -> ServiceAnswer {
        let offers = ChallengeReader.read(lines)
        let payments = offers.compactMap { offer in
            if case .payment(let parameters) = offer { parameters } else { nil }
        }
        for case .l402(let token, let invoice) in offers {
            let format = TokenFormat(of: token)
            return .l402(
                L402Offer(
                    scheme: namesFirst("lsat", lines) ? .lsat : .l402,
                    token: token,
                    invoice: invoice,
                    format: format,
                    isReadableByLnget: isReadableByLnget(lines, token: token, invoice: invoice, format),
                    alsoOffersPayment: !payments.isEmpty
                )
            )
        }
        if let payment = payments.first { return .payment(method: payment["method"]) }
        if namesL402(lines) { return .brokenChallenge }
        if !x402.isEmpty || isX402(body) { return .x402 }
        return .otherPayment
    }

    private static func firstScheme(_ line: String) -> String {
        String(line.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" && $0 != "," }).lowercased()
    }

    private static func namesFirst(_ scheme: String, _ lines: [String]) -> Bool {
        lines.first.map { firstScheme($0) == scheme } ?? false
    }

    private static func namesL402(_ lines: [String]) -> Bool {
        lines.contains { ["l402", "lsat"].contains(firstScheme($0)) }
    }

    /// lnget's pattern: the first line, its first scheme, `macaroon` and then `invoice`, both quoted.
    private static func isReadableByLnget(
        _ lines: [String],
        token: String,
        invoice: String,
        _ format: TokenFormat
    ) -> Bool {
        guard let line = lines.first, format == .v1 || format == .v2, TokenFormat.hasStandardIdentifier(token) else {
            return false
        }
        return ["L402", "LSAT"].contains { line.hasPrefix("\($0) macaroon=\"\(token)\", invoice=\"\(invoice)\"") }
    }

    /// x402's body: a version, or ways to pay that name a scheme, a network and a receiver.
    private static func isX402(_ body: [UInt8]) -> Bool {
        guard let object = JSONObject(body) else { return false }
        if object.number("x402Version") != nil { return true }
        return object.objects("accepts")?.contains { way in
            way.text("scheme") != nil && way.text("network") != nil && way.text("payTo") != nil
        } ?? false
    }

    /// The word it is kept and shown under.
    public var label: String {
        switch self {
        case .l402(let offer): offer.scheme == .l402 ? "l402" : "lsat"
        case .brokenChallenge: "challenge_broken"
        case .payment: "protocol_payment"
        case .x402: "protocol_x402"
        case .otherPayment: "payment_unknown"
        case .open: "open"
        case .redirect: "redirect"
        case .wrongMethod: "wrong_method"
        case .tooManyRequests: "rate_limited"
        case .gone: "gone"
        case .refused: "refused"
        case .failing: "failing"
        }
    }

    /// What it says about the stage challenge; `nil` when it says nothing about an L402 service.
    public var provesChallenge: Bool? {
        switch self {
        case .l402: true
        case .payment, .x402, .wrongMethod, .tooManyRequests: nil
        case .brokenChallenge, .otherPayment, .open, .redirect, .gone, .refused, .failing: false
        }
    }
}
