// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Bolt11
import ByteCoding
import Evidence
import HTTPTypes
import Hummingbird
import IPAddresses
import L402
import LightningPrimitives
import Logging
import Macaroons
import NIOCore
import OutboundHTTP
import Postgres
import Secp256k1
import ServiceProbing
import Synchronization
import Testing

@testable import LND

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension Statement {
    /// A statement of a test, under a name of its own.
    static func test(_ sql: String) -> Statement { Statement("test.\(UInt(bitPattern: sql.hashValue))", sql) }
}

/// Invoices of a payee of the test; their preimages are known here only.
final class Payee: Sendable {
    let key: SecretKey
    private let preimages = Mutex<[PaymentHash: Preimage]>([:])

    init() throws { key = try #require(SecretKey(Preimage.random().bytes)) }

    func invoice(
        _ amount: MilliSatoshi?,
        network: BitcoinNetwork = .regtest,
        expirySeconds: Int64 = 600,
        timestamp: Int64 = unixTime()
    ) throws -> Bolt11Invoice {
        let preimage = Preimage.random()
        preimages.withLock { $0[preimage.paymentHash] = preimage }
        var contents = Bolt11Invoice.Contents(
            network: network,
            amount: amount,
            timestamp: timestamp,
            paymentHash: preimage.paymentHash,
            paymentSecret: Preimage.random().bytes
        )
        contents.description = "a call"
        contents.expirySeconds = expirySeconds
        return try Bolt11Invoice(signing: contents, with: key)
    }

    func preimage(of hash: PaymentHash) -> Preimage? { preimages.withLock { $0[hash] } }
}

/// A node of the test that pays a payee's invoices, or does what the test wants.
final class FakeNode: PaymentNode {
    enum Behaviour: Sendable {
        case pay
        case fail(String)
        case refuse(LNDError.Class, LNDError.Meaning?)
        /// Pays, and the answer is lost.
        case loseAnswer
    }

    private struct State {
        var behaviour = Behaviour.pay
        var calls: [PaymentHash] = []
        var updates: [PaymentHash: PaymentUpdate] = [:]
        var fee = MilliSatoshi(msat: 7)
    }

    private let state = Mutex(State())
    private let payee: Payee
    /// Called before a payment goes out.
    let beforePaying: @Sendable (PaymentHash) async throws -> Void

    init(_ payee: Payee, beforePaying: @escaping @Sendable (PaymentHash) async throws -> Void = { _ in }) {
        self.payee = payee
        self.beforePaying = beforePaying
    }

    func behave(_ behaviour: Behaviour) { state.withLock { $0.behaviour = behaviour } }
    /// What was asked to be paid, in order.
    var calls: [PaymentHash] { state.withLock { $0.calls } }

    static func error(_ errorClass: LNDError.Class, _ meaning: LNDError.Meaning? = nil) -> LNDError {
        LNDError(errorClass: errorClass, meaning: meaning, call: "test", grpcCode: nil, detail: "of the test")
    }

    func pay(_ text: String, hash: PaymentHash, terms: PaymentTerms) async throws(LNDError) -> PaymentUpdate {
        state.withLock { $0.calls.append(hash) }
        do { try await beforePaying(hash) } catch { throw Self.error(.cancelled) }
        let amount = (try? Bolt11Invoice(parsing: text))?.amount ?? .zero
        let preimage = payee.preimage(of: hash)
        let (behaviour, paid) = state.withLock { state in
            let paid = PaymentUpdate(
                status: .succeeded,
                paymentHash: hash,
                preimage: preimage,
                amount: amount,
                fee: state.fee,
                failureReason: "",
                attempts: []
            )
            switch state.behaviour {
            case .pay, .loseAnswer: state.updates[hash] = paid
            case .fail, .refuse: break
            }
            return (state.behaviour, paid)
        }
        switch behaviour {
        case .pay: return paid
        case .loseAnswer: throw Self.error(.transport)
        case .refuse(let errorClass, let meaning): throw Self.error(errorClass, meaning)
        case .fail(let reason):
            return PaymentUpdate(
                status: .failed,
                paymentHash: hash,
                preimage: nil,
                amount: amount,
                fee: .zero,
                failureReason: reason,
                attempts: []
            )
        }
    }

    func trackPayment(_ hash: PaymentHash, within patience: Duration) async throws(LNDError) -> PaymentUpdate {
        guard let update = state.withLock({ $0.updates[hash] }) else { throw Self.error(.answered, .notFound) }
        return update
    }
}

/// A service of the test on the loopback; what it answers is the test's choice, by path.
struct FakeService: Sendable {
    struct Reply: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body = ""
    }

    typealias Answer = @Sendable (_ path: String, _ method: String, _ authorization: String?) async throws -> Reply

    let base: String

    /// Runs a service while the body runs.
    static func run(_ answer: @escaping Answer, _ body: @escaping @Sendable (FakeService) async throws -> Void)
        async throws
    {
        let router = Router()
        let handle: @Sendable (Request, BasicRequestContext) async throws -> Response = { request, _ in
            let reply = try await answer(
                request.uri.string,
                request.method.rawValue,
                request.headers[.authorization]
            )
            var headers = HTTPFields()
            for (name, value) in reply.headers {
                if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
            }
            return Response(
                status: .init(code: reply.status),
                headers: headers,
                body: .init(byteBuffer: ByteBuffer(string: reply.body))
            )
        }
        router.get("/**", use: handle)
        router.post("/**", use: handle)
        let (ports, found) = AsyncStream<Int>.makeStream()
        let server = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in found.yield(channel.localAddress?.port ?? 0) },
            logger: silent
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            for await port in ports {
                try await body(FakeService(base: "http://127.0.0.1:\(port)"))
                break
            }
            group.cancelAll()
        }
    }

    /// A 402 with an L402 challenge for an invoice.
    static func challenge(_ invoice: Bolt11Invoice, scheme: String = "L402") -> Reply {
        let macaroon = Macaroon(
            rootKey: [1, 2, 3],
            identifier: L402Identifier(paymentHash: invoice.paymentHash, tokenID: .random(epoch: 0)).bytes
        )
        let token = Base64.encode(macaroon.serialized())
        return Reply(
            status: 402,
            headers: [("WWW-Authenticate", "\(scheme) macaroon=\"\(token)\", invoice=\"\(invoice.text)\"")]
        )
    }

    /// A client that may ask the loopback, without pauses.
    static var client: OutboundHTTPClient {
        OutboundHTTPClient(
            policy: AddressPolicy(allowed: [IPNetwork("127.0.0.0/8")].compactMap { $0 }),
            limiter: HostLimiter(pause: .zero)
        )
    }
}
