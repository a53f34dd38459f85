// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOFoundationCompat
internal import NIOHTTP1
internal import Roughtime

extension NetworkTransport {
    /// For the life of the process, since its connections are worth keeping.
    static let web: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// A request as the body of a POST; the answer is the body of the response.
    func post(
        _ request: [UInt8],
        to url: String,
        _ patience: Duration,
        _ collector: AnswerCollector
    ) async throws(ExchangeFailure) -> Reception {
        var message = HTTPClientRequest(url: url)
        message.method = .POST
        message.headers.add(name: "content-type", value: "application/octet-stream")
        message.body = .bytes(request)
        collector.sends()
        let bytes: [UInt8]
        do {
            let response = try await Self.web.execute(message, timeout: TimeAmount(patience))
            guard response.status == .ok else { throw ExchangeFailure.refused(status: Int(response.status.code)) }
            bytes = Array(try await response.body.collect(upTo: RequestRules.maximumLength).readableBytesView)
        } catch let failure as ExchangeFailure {
            throw failure
        } catch {
            throw .unreachable(because: error)
        }
        guard let reception = collector.take(bytes) else { throw collector.silence }
        return reception
    }
}
