// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Bolt11
internal import Deadlines
internal import Foundation
internal import L402
public import LND
public import LightningPrimitives
internal import NIOCore
internal import NIOHTTP1

/// A request to a service that may want to be paid.
public struct PaidCall: Sendable {
    public var url: String
    public var method: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]?

    public init(
        url: String,
        method: String = "GET",
        headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
    }

    /// Path and query as they stand in the request line, or `nil` when the URL has no such part.
    public var target: String? {
        guard let parts = URLComponents(string: url) else { return nil }
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        return parts.percentEncodedQuery.map { "\(path)?\($0)" } ?? path
    }
}

/// What a service asks for, read from its challenge and its invoice.
public struct Offer: Sendable {
    public let price: MilliSatoshi
    public let network: BitcoinNetwork
    public let description: String
    /// The payee's public key.
    public let payee: String
    public let paymentHash: PaymentHash
}

/// The answer to a call, with what was paid for it.
public struct PaidAnswer: Sendable {
    public let status: Int
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]
    /// What was paid, without fees; zero when nothing was asked.
    public let paid: MilliSatoshi
    public let fee: MilliSatoshi
    /// The payment that the presented token stands for; `nil` when none was presented.
    public let paymentHash: PaymentHash?

    /// The first value of a header.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Why a paid call came to no answer.
public enum PayingClientError: Error, Sendable, CustomStringConvertible {
    /// The service could not be reached.
    case unreachable(String)
    /// The service asks for payment in a way that cannot be read.
    case noUsableChallenge(String)
    /// The person, or the limit, said no.
    case declined(Offer)
    /// The payment failed; nothing was paid.
    case paymentFailed(String)
    /// Whether the payment went through is not known: ask the node for the hash before paying again.
    case paymentUnknown(PaymentHash, String)
    /// Paid, but the service did not serve; the token is still good for another try.
    case notServed(status: Int, token: PaidToken, reason: String)

    public var description: String {
        switch self {
        case .unreachable(let why): "the service cannot be reached: \(why)"
        case .noUsableChallenge(let why): "the service asks for payment in a way that cannot be used: \(why)"
        case .declined(let offer): "not paid: the price is \(offer.price.satCeiling) sat"
        case .paymentFailed(let why): "the payment failed, nothing was paid: \(why)"
        case .paymentUnknown(let hash, let why): "the payment's state is unknown (\(why)); payment hash \(hash.hex)"
        case .notServed(let status, _, let why): "paid, but the service answered \(status): \(why)"
        }
    }
}

/// A token with its proof of payment: worth money, so it never prints itself.
public struct PaidToken: Sendable, CustomStringConvertible {
    let authorization: String

    /// Takes the text `TOKEN:PREIMAGE` of a token that was paid earlier.
    public init(text: String) { authorization = "L402 \(text)" }

    init(token: String, preimage: Preimage) { authorization = "L402 \(token):\(preimage.hex)" }

    /// The hash of the token's payment, or `nil` when the text holds no preimage.
    var paymentHash: PaymentHash? { TokenText(authorization)?.preimage?.paymentHash }

    /// The text `TOKEN:PREIMAGE`, to be kept in a private file.
    public var text: String { String(authorization.dropFirst("L402 ".count)) }

    public var description: String { "[redacted]" }
}

/// Calls services and pays for them over Lightning, once a person or a limit has agreed to the price.
public final class PayingClient: Sendable {
    private let wallet: LNDClient
    private let http = HTTPClient.shared
    private let terms: @Sendable (Offer) -> PaymentTerms
    /// Told of every step, for people who want to watch.
    private let report: @Sendable (String) -> Void

    /// Makes a client that pays from a node.
    public init(
        wallet: LNDClient,
        report: @escaping @Sendable (String) -> Void = { _ in },
        terms: @escaping @Sendable (Offer) -> PaymentTerms = PayingClient.standardTerms
    ) {
        self.wallet = wallet
        self.report = report
        self.terms = terms
    }

    /// A fee of at most 1 % or 10 sat, and half a minute.
    public static let standardTerms: @Sendable (Offer) -> PaymentTerms = { offer in
        PaymentTerms(feeLimit: MilliSatoshi(msat: max(10_000, offer.price.msat / 100)), timeoutSeconds: 30)
    }

    /// Makes a call, pays if asked and agreed, and repeats the call with the token.
    /// - Parameters:
    ///   - call: what to ask for.
    ///   - token: a token that was paid earlier, tried first.
    ///   - agree: whether to pay an offer.
    /// - Throws: ``PayingClientError``.
    public func fetch(
        _ call: PaidCall,
        token: PaidToken? = nil,
        agree: @Sendable (Offer) async -> Bool
    ) async throws(PayingClientError) -> PaidAnswer {
        report("\(call.method) \(call.url)")
        let first = try await send(call, token: token)
        guard first.status == 402 else { return first }
        let (text, invoice, offer) = try challenge(first)
        report("402 Payment Required: \(offer.price.satCeiling) sat to \(offer.payee)")
        guard await agree(offer) else { throw .declined(offer) }
        let (paid, fee) = try await pay(invoice, offer, token: text)
        return try await redeem(call, paid, offer, fee)
    }

    private func redeem(_ call: PaidCall, _ token: PaidToken, _ offer: Offer, _ fee: MilliSatoshi)
        async throws(PayingClientError) -> PaidAnswer
    {
        var wait = Duration.milliseconds(250)
        var answer: PaidAnswer?
        for attempt in 1...6 {
            report("\(call.method) \(call.url) with the token\(attempt > 1 ? ", try \(attempt)" : "")")
            do {
                let next = try await send(call, token: token)
                answer = next
                // 503 right after paying: the settlement is on its way.
                guard next.status == 503, attempt < 6 else { break }
            } catch {
                guard attempt < 6 else { throw .notServed(status: 0, token: token, reason: "\(error)") }
            }
            try? await Task.sleep(for: wait)
            wait *= 2
        }
        guard let answer, (200..<400).contains(answer.status) else {
            let reason = answer.map { String(decoding: $0.body.prefix(300), as: UTF8.self) } ?? ""
            throw .notServed(status: answer?.status ?? 0, token: token, reason: reason)
        }
        return PaidAnswer(
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            paid: offer.price,
            fee: fee,
            paymentHash: offer.paymentHash
        )
    }

    private func challenge(_ answer: PaidAnswer) throws(PayingClientError)
        -> (token: String, invoice: String, offer: Offer)
    {
        let lines = answer.headers.filter { $0.name.lowercased() == "www-authenticate" }.map(\.value)
        for case .l402(let token, let text) in ChallengeReader.read(lines) {
            do {
                let invoice = try Bolt11Invoice(parsing: text)
                guard let price = invoice.amount else { throw PayingClientError.noUsableChallenge("no amount") }
                let offer = Offer(
                    price: price,
                    network: invoice.network,
                    description: invoice.description ?? "",
                    payee: invoice.payee.hex,
                    paymentHash: invoice.paymentHash
                )
                return (token, text, offer)
            } catch {
                throw .noUsableChallenge("\(error)")
            }
        }
        throw .noUsableChallenge("no L402 challenge in WWW-Authenticate")
    }

    private func pay(_ invoice: String, _ offer: Offer, token: String) async throws(PayingClientError)
        -> (PaidToken, fee: MilliSatoshi)
    {
        do {
            let payment = try await wallet.pay(invoice, hash: offer.paymentHash, terms: terms(offer))
            guard payment.status == .succeeded, let preimage = payment.preimage else {
                throw PayingClientError.paymentFailed(payment.failureReason)
            }
            report("paid \(offer.price.satCeiling) sat, fee \(payment.fee.msat) msat")
            return (PaidToken(token: token, preimage: preimage), payment.fee)
        } catch let error as PayingClientError {
            throw error
        } catch let error as LNDError where error.errorClass == .transport {
            throw .paymentUnknown(offer.paymentHash, error.detail)
        } catch {
            throw .paymentFailed("\(error)")
        }
    }

    private func send(_ call: PaidCall, token: PaidToken?) async throws(PayingClientError) -> PaidAnswer {
        var request = HTTPClientRequest(url: call.url)
        request.method = HTTPMethod(rawValue: call.method)
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        if !request.headers.contains(name: "Accept") {
            request.headers.add(name: "Accept", value: "application/json, */*")
        }
        if let token { request.headers.replaceOrAdd(name: "Authorization", value: token.authorization) }
        if let body = call.body { request.body = .bytes(ByteBuffer(bytes: body)) }
        do {
            let (http, sent) = (http, request)
            return try await withDeadline(.seconds(60)) {
                let response = try await http.execute(sent, timeout: .seconds(60))
                let body = try await response.body.collect(upTo: 32 << 20)
                return PaidAnswer(
                    status: Int(response.status.code),
                    headers: response.headers.map { ($0.name, $0.value) },
                    body: Array(body.readableBytesView),
                    paid: .zero,
                    fee: .zero,
                    paymentHash: token?.paymentHash
                )
            }
        } catch {
            throw .unreachable((error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)")
        }
    }
}
