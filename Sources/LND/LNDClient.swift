// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import ByteCoding
internal import Foundation
public import LightningPrimitives
public import Logging
internal import NIOCore
internal import NIOFoundationCompat
internal import NIOHTTP1

/// A client of one LND node's REST interface, with the permissions of one macaroon.
///
/// Every unary call has a deadline, transport failures open a breaker, and errors come as ``LNDError``. Answers that
/// hold preimages of unpaid invoices are decoded without them and never logged.
public final class LNDClient: Sendable {
    let transport: LNDTransport

    /// - Parameter breakers: shared by the clients of one process, so that what one learns of a node holds for all.
    public init(configuration: LNDConfiguration, breakers: LNDBreakers = LNDBreakers(), logger: Logger) {
        transport = LNDTransport(configuration: configuration, breakers: breakers, logger: logger)
    }

    /// What the node last said its version is; empty before the first ``nodeStatus()``.
    public var knownVersion: String { transport.version }

    /// Closes connections; calls fail afterwards.
    public func shutdown() async { await transport.shutdown() }

    /// Reads the wallet's state; needs no permission.
    public func walletState() async throws(LNDError) -> WalletState? {
        let wire: WireState = try await unary(.state, "/v1/state", deadline: transport.configuration.deadlines.state)
        return WalletState(rawValue: wire.state)
    }

    /// Reads what the node says about itself; permission `info:read`.
    public func nodeStatus() async throws(LNDError) -> NodeStatus {
        let deadline = transport.configuration.deadlines.state
        let wire: WireInfo = try await unary(.getInfo, "/v1/getinfo", deadline: deadline)
        _ = transport.note(version: wire.status.version)
        return wire.status
    }

    /// Adds an invoice; permission `invoices:write`.
    ///
    /// An add whose answer was lost may be repeated with the same request.
    /// - Returns: the BOLT 11 text, unchecked.
    public func addInvoice(_ request: InvoiceRequest) async throws(LNDError) -> String {
        let body = WireAddInvoice(
            value_msat: String(request.amount.msat),
            memo: request.memo,
            expiry: String(request.expirySeconds),
            r_preimage: Base64.encode(request.preimage.bytes)
        )
        let deadline = transport.configuration.deadlines.invoice
        do {
            let added: WireAddedInvoice = try await unary(.addInvoice, "/v1/invoices", body: body, deadline: deadline)
            return added.payment_request
        } catch  where error.meaning == .invoiceAlreadyExists {
            guard let known = try await lookupInvoice(request.preimage.paymentHash) else { throw error }
            return known.paymentRequest
        }
    }

    /// Looks an invoice up; permission `invoices:read`.
    ///
    /// - Returns: `nil` when the node does not know it.
    public func lookupInvoice(_ paymentHash: PaymentHash) async throws(LNDError) -> InvoiceStatus? {
        do {
            let wire: WireInvoice = try await unary(
                .lookupInvoice,
                "/v1/invoice/\(paymentHash.hex)",
                deadline: transport.configuration.deadlines.read
            )
            return wire.status
        } catch  where error.meaning == .notFound {
            return nil
        }
    }

    /// Cancels an unpaid invoice; permission `invoices:write`.
    public func cancelInvoice(_ paymentHash: PaymentHash) async throws(LNDError) {
        let body = ["payment_hash": Base64.encode(paymentHash.bytes)]
        let deadline = transport.configuration.deadlines.read
        let _: WireEmpty = try await unary(.cancelInvoice, "/v2/invoices/cancel", body: body, deadline: deadline)
    }

    func unary<Answer: Decodable & Sendable>(
        _ call: LNDCall,
        _ path: String,
        body: (any Encodable & Sendable)? = nil,
        deadline: Duration
    ) async throws(LNDError) -> Answer {
        try await transport.guarded(call, deadline: deadline) { [self] in
            let response = try await transport.open(call, path: path, body: body)
            let data = Data(buffer: try await response.body.collect(upTo: 8 << 20))
            let answer = try? JSONDecoder().decode(Answer.self, from: data)
            do throws(LNDError) {
                try check(call, status: Int(response.status.code), data: data, bodyDecodes: answer != nil)
            } catch {
                var error = error
                if let wait = response.headers.first(name: "Retry-After").flatMap({ Int($0) }), wait >= 0 {
                    error.retryAfter = .seconds(wait)
                }
                throw error
            }
            guard let answer else { throw CancellationError() }
            return answer
        }
    }

    func check(_ call: LNDCall, status: Int, data: Data, bodyDecodes: Bool) throws(LNDError) {
        let answer = AnswerClassifier.classify(
            status: status,
            body: data,
            bodyDecodes: bodyDecodes,
            mayBeNotFound: call.mayBeNotFound,
            version: transport.version
        )
        try Self.fail(call, answer)
    }

    static func fail(_ call: LNDCall, _ answer: AnswerClassifier.Answer) throws(LNDError) {
        guard let errorClass = answer.errorClass else { return }
        throw LNDError(
            errorClass: errorClass,
            meaning: answer.meaning,
            call: call.name,
            grpcCode: answer.grpcCode,
            detail: answer.message
        )
    }
}
