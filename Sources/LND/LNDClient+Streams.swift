// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import ByteCoding
internal import Deadlines
internal import Foundation
public import LightningPrimitives
internal import Logging
public import NIOCore
internal import NIOFoundationCompat
internal import NIOHTTP1

/// How far a reader of the invoice stream has come.
public struct InvoiceCursor: Sendable, Hashable, Codable {
    /// The greatest add index seen; 0 replays nothing.
    public var addIndex: UInt64
    /// The greatest settle index seen; 0 replays nothing.
    public var settleIndex: UInt64

    public init(addIndex: UInt64 = 0, settleIndex: UInt64 = 0) {
        self.addIndex = addIndex
        self.settleIndex = settleIndex
    }

    /// Moves on to an event; never back.
    public mutating func advance(to invoice: InvoiceStatus) {
        addIndex = max(addIndex, invoice.addIndex)
        settleIndex = max(settleIndex, invoice.settleIndex)
    }
}

extension LNDClient {
    /// Follows all invoices of the node, reconnecting and replaying for ever; permission `invoices:read`.
    ///
    /// LND sends an event when an invoice is added and when it settles, none when it expires. After a lost connection
    /// the stream resumes behind the last event handled, so an invoice can come twice: handle by payment hash.
    /// Ends only by cancellation.
    public func followInvoices(
        from cursor: InvoiceCursor,
        _ handle: @Sendable (InvoiceStatus) async -> Void
    ) async throws(CancellationError) {
        var cursor = cursor
        var failures = 0
        while !Task.isCancelled {
            let path = "/v1/invoices/subscribe?add_index=\(cursor.addIndex)&settle_index=\(cursor.settleIndex)"
            do {
                try await forEachLine(.subscribeInvoices, path) { (wire: WireInvoice) in
                    failures = 0
                    guard let invoice = wire.status else { return true }
                    await handle(invoice)
                    cursor.advance(to: invoice)
                    return true
                }
            } catch {
                guard !Task.isCancelled else { throw CancellationError() }
                transport.logger.warning(
                    "invoice stream lost; it will be resumed",
                    metadata: ["lnd.error": "\(error)", "lnd.settle_index": "\(cursor.settleIndex)"]
                )
            }
            let longest = min(30, 1 << min(failures, 5))
            failures += 1
            do { try await Task.sleep(for: .seconds(Double(longest) * .random(in: 0.5...1))) } catch {
                throw CancellationError()
            }
        }
        throw CancellationError()
    }

    /// Waits until an invoice is settled or cancelled, or the time is up; permission `invoices:read`.
    /// - Returns: the last state seen.
    public func waitForInvoice(_ paymentHash: PaymentHash, atMost patience: Duration) async throws(LNDError)
        -> InvoiceStatus?
    {
        let path = "/v2/invoices/subscribe/\(Base64.encode(paymentHash.bytes, alphabet: .urlSafe))"
        do {
            return try await withDeadline(patience) { [self] in
                var final: InvoiceStatus?
                try await forEachLine(.subscribeInvoice, path) { (wire: WireInvoice) in
                    guard let invoice = wire.status, invoice.state == .settled || invoice.state == .canceled else {
                        return true
                    }
                    final = invoice
                    return false
                }
                return final
            }
        } catch let error as LNDError where error.meaning == .notFound {
            return nil
        } catch is DeadlineExceeded {
            return try await lookupInvoice(paymentHash)
        } catch {
            throw transport.transportError(.subscribeInvoice, error)
        }
    }

    /// Opens the whole public graph as JSON bytes, unread; permission `info:read`.
    ///
    /// The answer has about 60 to 90 MB: read it piece by piece, which holds LND back by TCP. The body has
    /// no deadline of its own: the reader's task has one.
    public func openGraph() async throws(LNDError) -> GraphBody {
        let transport = transport
        let response = try await transport.guarded(.graph, deadline: transport.configuration.deadlines.graph) {
            let response = try await transport.open(.graph, path: "/v1/graph?include_unannounced=false")
            guard response.status != .ok else { return response }
            let data = Data(buffer: try await response.body.collect(upTo: 1 << 20))
            try self.check(.graph, status: Int(response.status.code), data: data, bodyDecodes: false)
            return response
        }
        return GraphBody(body: response.body)
    }

    /// Handles the lines of a streaming call, one after the other, until the stream ends or the handler returns false.
    ///
    /// The reader holds LND back by TCP while it handles a line, so nothing queues up here.
    /// - Throws: ``LNDError`` for a bad status, an error line or a lost connection.
    func forEachLine<Event: Decodable & Sendable>(
        _ call: LNDCall,
        _ path: String,
        body: (any Encodable & Sendable)? = nil,
        _ handle: (Event) async throws -> Bool
    ) async throws {
        do {
            let response = try await transport.open(call, path: path, body: body)
            guard response.status == .ok else {
                let data = Data(buffer: try await response.body.collect(upTo: 1 << 20))
                try check(call, status: Int(response.status.code), data: data, bodyDecodes: false)
                return
            }
            var splitter = LineSplitter(limit: 1 << 20)
            for try await chunk in response.body {
                for line in try splitter.append(chunk) {
                    guard try await handle(Self.event(call, line)) else { return }
                }
            }
        } catch {
            throw transport.transportError(call, error)
        }
    }

    private static func event<Event: Decodable>(_ call: LNDCall, _ line: [UInt8]) throws -> Event {
        let data = Data(line)
        let decoded = try JSONDecoder().decode(WireStreamLine<Event>.self, from: data)
        if let error = decoded.error {
            try fail(call, AnswerClassifier.classify(status: 500, error: error, mayBeNotFound: call.mayBeNotFound))
        }
        guard let result = decoded.result else {
            try fail(call, .init(.transport, nil, nil, "a line with neither result nor error"))
            throw CancellationError()
        }
        return result
    }
}

/// The bytes of `/v1/graph` as they arrive.
public struct GraphBody: AsyncSequence, Sendable {
    let body: HTTPClientResponse.Body

    public struct Iterator: AsyncIteratorProtocol {
        var base: HTTPClientResponse.Body.AsyncIterator

        public mutating func next() async throws -> ByteBuffer? { try await base.next() }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(base: body.makeAsyncIterator()) }
}

/// Cuts a byte stream into lines; a chunk need not be a line.
struct LineSplitter {
    private var rest: [UInt8] = []
    private let limit: Int
    private let skipsLongLines: Bool
    /// Whether the line under way is too long and is being passed over.
    private var isSkipping = false

    /// A line is longer than allowed.
    struct LineTooLong: Error {}

    /// - Parameter skipsLongLines: whether a line longer than the limit is left out instead of being an error.
    init(limit: Int, skipsLongLines: Bool = false) {
        self.limit = limit
        self.skipsLongLines = skipsLongLines
    }

    mutating func append(_ chunk: ByteBuffer) throws(LineTooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for part in chunk.readableBytesView.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            // Every part but the first begins behind a line's end.
            if part.offset > 0 { endLine(&lines) }
            try take(part.element)
        }
        return lines
    }

    private mutating func take(_ bytes: some Collection<UInt8>) throws(LineTooLong) {
        guard !isSkipping else { return }
        rest.append(contentsOf: bytes)
        guard rest.count > limit else { return }
        guard skipsLongLines else { throw LineTooLong() }
        isSkipping = true
        rest = []
    }

    private mutating func endLine(_ lines: inout [[UInt8]]) {
        if !rest.isEmpty { lines.append(rest) }
        rest = []
        isSkipping = false
    }
}
