// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import ByteCoding
internal import Deadlines
internal import NIOCore
internal import NIOHTTP1

/// Asks providers.
public protocol ProviderConnection: Sendable {
    /// Gets a resource.
    ///
    /// - Throws: `.unavailable` when there is no whole answer in time, and for statuses of 500 and above and 429.
    func get(_ url: String, bearer: String?) async throws(IdentityFailure) -> ProviderAnswer

    /// Sends a form as a confidential client.
    ///
    /// - Throws: as ``get(_:bearer:)``.
    func post(
        _ url: String,
        form: [(name: String, value: String)],
        user: String,
        password: String
    ) async throws(IdentityFailure) -> ProviderAnswer
}

/// A provider's answer.
public struct ProviderAnswer: Sendable {
    public let status: Int
    public let body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}

/// Asks over HTTP: 5 seconds and 64 kB for an answer, and no redirect is followed.
public struct ProviderHTTPConnection: ProviderConnection {
    /// The most bytes of an answer.
    public static let bodyLimit = 65_536
    private let client: HTTPClient
    private let deadline: Duration

    /// - Parameter deadline: for an answer as a whole.
    public init(deadline: Duration = .seconds(5)) {
        self.deadline = deadline
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(5))
        configuration.httpVersion = .http1Only
        // A login that waits for a provider to come back is better refused at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 8
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Closes what is open; the connection is of no further use.
    public func shutdown() async { try? await client.shutdown() }

    public func get(_ url: String, bearer: String?) async throws(IdentityFailure) -> ProviderAnswer {
        var request = HTTPClientRequest(url: url)
        if let bearer {
            // A token goes into a header as it is, so it may not end one.
            guard bearer.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .unauthorized("malformed token") }
            request.headers.add(name: "Authorization", value: "Bearer " + bearer)
        }
        return try await send(request)
    }

    public func post(
        _ url: String,
        form: [(name: String, value: String)],
        user: String,
        password: String
    ) async throws(IdentityFailure) -> ProviderAnswer {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Authorization", value: "Basic " + Base64.encode(Array("\(user):\(password)".utf8)))
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        let text = form.map { "\(QueryText.escape($0.name))=\(QueryText.escape($0.value))" }.joined(separator: "&")
        request.body = .bytes(ByteBuffer(string: text))
        return try await send(request)
    }

    private func send(_ asked: HTTPClientRequest) async throws(IdentityFailure) -> ProviderAnswer {
        let answer: ProviderAnswer
        do {
            let (client, deadline) = (client, deadline)
            answer = try await withDeadline(deadline) {
                let response = try await client.execute(asked, timeout: TimeAmount(deadline))
                let body = try await response.body.collect(upTo: Self.bodyLimit)
                return ProviderAnswer(status: Int(response.status.code), body: Array(body.readableBytesView))
            }
        } catch is NIOTooManyBytesError {
            throw .unavailable("the login provider's answer is too large")
        } catch {
            throw .unavailable("the login provider cannot be reached")
        }
        guard answer.status < 500, answer.status != 429 else {
            throw .unavailable("the login provider does not answer")
        }
        return answer
    }
}
