// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import ByteCoding
internal import Deadlines
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import Nostr
internal import Pomade
internal import Secp256k1

/// The way to one signer.
public struct SignerConnection: Sendable, Hashable, CustomStringConvertible {
    /// How long one request may take.
    public static let deadline: Duration = .seconds(15)
    /// The largest answer, in bytes.
    static let answerLimit = 1 << 20

    private static let tooLate: [HTTPClientError] = [.deadlineExceeded, .connectTimeout, .readTimeout]

    /// Lives as long as the process.
    ///
    /// A signer that refuses connections is given up at once, so that others are asked.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// The signer's URL as its operator gives it, without a slash at the end: it is also the salt of passwords.
    public let url: String

    /// Takes a signer's URL.
    ///
    /// - Throws: ``ThresholdError/invalid(_:)`` unless it begins with `http://` or `https://`, names a host and ends
    ///   without a slash, a query or a fragment.
    public init(_ url: String) throws(ThresholdError) {
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
            parts.host?.isEmpty == false, parts.query == nil, parts.fragment == nil, !url.hasSuffix("/")
        else {
            throw .invalid(
                "\(url) is no signer's URL: write it as its operator does, such as https://signer.example.com, "
                    + "with no slash at the end"
            )
        }
        self.url = url
    }

    public var description: String { url }

    /// Who signs a request: a key at hand, or several holders of one together.
    struct Signer: Sendable {
        let key: NostrKey
        /// The zero bits that the event's id must begin with.
        var work = 0
        let sign: @Sendable (UnsignedEvent) async throws -> NostrEvent

        init(key: NostrKey, sign: @escaping @Sendable (UnsignedEvent) async throws -> NostrEvent) {
            self.key = key
            self.sign = sign
        }

        init(_ secret: SecretKey, work: Int = 0) {
            key = NostrKey(secret)
            self.work = work
            sign = { $0.signed(by: secret) }
        }
    }

    /// Asks a signer and reads its answer.
    func ask<Content: Decodable & Sendable>(
        _ route: SignerRoute,
        _ body: some Encodable & Sendable,
        as signer: Signer,
        now: Int64
    ) async throws(SignerProblem) -> Content {
        let bytes: [UInt8]
        do { bytes = Array(try JSONEncoder().encode(body)) } catch {
            throw .unreadable("the request cannot be written")
        }
        var event = HTTPAuthorization.event(
            key: signer.key,
            url: url + route.rawValue,
            body: bytes,
            createdAt: now
        )
        if signer.work > 0 {
            guard let mined = event.mined(bits: signer.work) else { throw .timedOut }
            event = mined
        }
        let header: String
        do { header = HTTPAuthorization.header(try await signer.sign(event)) } catch {
            throw .refused(nil, "the request could not be signed: \(error)")
        }
        let (status, answer) = try await post(route, bytes, authorization: header)
        // Refusals of the application come with 200, those of the transport with their own status; both have a body.
        guard let read = try? JSONDecoder().decode(PomadeAnswer<Content>.self, from: answer) else {
            throw .unreadable("HTTP \(status)")
        }
        guard let content = read.content else {
            throw .refused(read.code.flatMap(FailureCode.init), read.message)
        }
        return content
    }

    private func post(
        _ route: SignerRoute,
        _ body: [UInt8],
        authorization: String
    ) async throws(SignerProblem) -> (status: UInt, body: Data) {
        var request = HTTPClientRequest(url: url + route.rawValue)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "Authorization", value: authorization)
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let sent = request
            return try await withDeadline(Self.deadline) {
                let response = try await Self.http.execute(sent, timeout: .seconds(15))
                let body = try await response.body.collect(upTo: Self.answerLimit)
                return (response.status.code, Data(body.readableBytesView))
            }
        } catch is DeadlineExceeded {
            throw .timedOut
        } catch let error as HTTPClientError where Self.tooLate.contains(error) {
            throw .timedOut
        } catch let error as IOError {
            throw .unreachable(String(cString: strerror(error.errnoCode)))
        } catch is NIOTooManyBytesError {
            throw .unreadable("its answer is too long")
        } catch {
            throw .unreachable("\(error)")
        }
    }
}
