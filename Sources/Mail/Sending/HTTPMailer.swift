// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Sends mails by a provider's HTTP interface.
public final class HTTPMailer: Mailer {
    private let configuration: MailConfiguration
    private let timeout: TimeAmount
    private let client: HTTPClient

    /// - Precondition: the provider is not a mail server.
    public init(_ configuration: MailConfiguration, timeout: Duration = .seconds(30)) {
        if case .smtp = configuration.provider { preconditionFailure("a mail server is spoken to by SMTPMailer") }
        self.configuration = configuration
        self.timeout = TimeAmount(timeout)
        var http = HTTPClient.Configuration()
        http.redirectConfiguration = .disallow
        http.timeout.connect = .seconds(10)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
    }

    deinit {
        let client = client
        // Outlives the mailer on purpose: closing idle connections.
        Task { try? await client.shutdown() }
    }

    public func send(_ message: MailMessage) async throws(MailFailure) {
        guard let call = ProviderRequest(message, configuration) else { throw .failed }
        var request = HTTPClientRequest(url: call.url)
        request.method = .POST
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: call.body))
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: timeout)
            // What the provider says may repeat the address: it is read, so that the connection can be kept, and dropped.
            for try await _ in response.body.prefix(64) {}
        } catch {
            throw Self.failure(error)
        }
        guard (200..<300).contains(response.status.code) else { throw .refused(status: Int(response.status.code)) }
    }

    private static func failure(_ error: any Error) -> MailFailure {
        if error is CancellationError { return .cancelled }
        switch error as? HTTPClientError {
        case .cancelled?: return .cancelled
        case .deadlineExceeded?, .connectTimeout?, .readTimeout?: return .timedOut
        case .some: return .failed
        case nil: return error is NIOConnectionError ? .unreachable : .failed
        }
    }
}
