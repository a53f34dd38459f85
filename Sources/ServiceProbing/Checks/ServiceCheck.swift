// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Bolt11
public import Evidence
public import LightningPrimitives
public import OutboundHTTP
public import ServiceChecks

/// What a free look at a service has found.
public struct ServiceCheck: Sendable {
    public let endpoint: Endpoint
    /// Unix seconds.
    public let at: Int64
    /// `nil` when no answer came.
    public let status: Int?
    public let latency: Duration
    /// `nil` when no answer came.
    public let answer: ServiceAnswer?
    /// Why no answer came.
    public let error: OutboundError?
    /// How the invoice of the challenge looks; `nil` without a challenge.
    public let invoiceCheck: InvoiceCheck?
    /// The invoice, when it could be read.
    public let invoice: Bolt11Invoice?

    /// The token and invoice offered; `nil` without a challenge.
    public var offer: L402Offer? { if case .l402(let offer)? = answer { offer } else { nil } }

    /// Whether nothing but the way there failed: many of those at once say that we are cut off ourselves.
    public var isTransportFailure: Bool {
        switch error {
        case .noSuchHost, .unreachable, .timedOut: true
        case .refused, .tls, .badAnswer, .busy, .cancelled, nil: false
        }
    }

    /// What it says about the stage of the challenge; `nil` when it says nothing.
    public var provesChallenge: Bool? {
        if let answer { return answer.provesChallenge }
        switch error {
        case .noSuchHost, .unreachable, .timedOut, .tls, .badAnswer: return false
        case .refused, .busy, .cancelled, nil: return nil
        }
    }

    /// Whether the service was asked at all; otherwise the look has found nothing, not even that no answer came.
    public var wasMade: Bool { error != .busy && error != .cancelled }

    /// The word for what was found.
    public var label: String {
        if let answer { return answer.label }
        if case .refused? = error { return "address_refused" }
        return "no_answer"
    }
}

/// Looks at services without paying.
public struct ServiceChecker: Sendable {
    private let http: OutboundHTTPClient
    private let network: @Sendable () async -> BitcoinNetwork?
    private let now: @Sendable () -> Int64

    /// - Parameter network: of which invoices have to be; nothing is asked while nobody knows.
    public init(
        _ http: OutboundHTTPClient,
        network: @escaping @Sendable () async -> BitcoinNetwork?,
        now: @escaping @Sendable () -> Int64 = { unixTime() }
    ) {
        self.http = http
        self.network = network
        self.now = now
    }

    /// - Parameter network: of which invoices have to be.
    public init(_ http: OutboundHTTPClient, network: BitcoinNetwork) {
        self.init(http, network: { network })
    }

    /// The request a service is asked with: as catalogued, POST with an empty JSON object.
    static func request(_ endpoint: Endpoint, token: String? = nil, deadline: Duration) throws(OutboundRefusal)
        -> OutboundRequest
    {
        var headers = [("Accept", "application/json, */*"), ("User-Agent", "assay")]
        if endpoint.method == "POST" { headers.append(("Content-Type", "application/json")) }
        if let token { headers.append(("Authorization", "L402 \(token)")) }
        return OutboundRequest(
            try OutboundURL(endpoint.url),
            method: endpoint.method,
            headers: headers,
            body: endpoint.method == "POST" ? Array("{}".utf8) : nil,
            bodyLimit: 64 * 1024,
            deadline: deadline
        )
    }

    /// Asks once.
    public func check(_ endpoint: Endpoint, deadline: Duration = .seconds(10)) async -> ServiceCheck {
        let begin = ContinuousClock.now
        do throws(OutboundError) {
            guard let network = await network() else { throw .busy }
            let request: OutboundRequest
            do { request = try Self.request(endpoint, deadline: deadline) } catch { throw .refused(error) }
            return read(try await http.send(request), endpoint, network)
        } catch {
            return ServiceCheck(
                endpoint: endpoint,
                at: now(),
                status: nil,
                latency: ContinuousClock.now - begin,
                answer: nil,
                error: error,
                invoiceCheck: nil,
                invoice: nil
            )
        }
    }

    private func read(_ answer: OutboundAnswer, _ endpoint: Endpoint, _ network: BitcoinNetwork) -> ServiceCheck {
        let meaning = ServiceAnswer(status: answer.status, headers: answer.headers, body: answer.body)
        var check: InvoiceCheck?
        var invoice: Bolt11Invoice?
        if case .l402(let offer) = meaning {
            (check, invoice) = InvoiceCheck.check(
                offer.invoice,
                network: network,
                advertised: endpoint.advertised,
                now: now()
            )
        }
        return ServiceCheck(
            endpoint: endpoint,
            at: now(),
            status: answer.status,
            latency: answer.duration,
            answer: meaning,
            error: nil,
            invoiceCheck: check,
            invoice: invoice
        )
    }
}
