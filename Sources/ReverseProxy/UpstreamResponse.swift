// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
public import HTTPTypes
public import NIOCore
internal import Synchronization

/// A backend's answer: the head, and a body that is read while it is passed on.
public struct UpstreamResponse: Sendable {
    public let status: HTTPResponse.Status
    /// Without headers of the connection.
    public let headers: HTTPFields
    public let body: UpstreamBody
}

/// The body of a backend's answer; read once, by one task.
///
/// The backend is asked for more when what came before has been taken, so nothing piles up.
public struct UpstreamBody: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    enum Source: Sendable {
        case stream(HTTPClientResponse.Body, owner: ReverseProxy)
        case bytes(ByteBuffer)
    }

    let source: Source

    /// Reads the body.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private enum Source {
            case stream(HTTPClientResponse.Body.AsyncIterator, owner: ReverseProxy)
            case bytes(ByteBuffer?)
        }

        private var source: Source

        init(_ body: UpstreamBody) {
            switch body.source {
            // The proxy, and with it its connections, lives as long as something is read from it.
            case .stream(let body, let owner): source = .stream(body.makeAsyncIterator(), owner: owner)
            case .bytes(let buffer): source = .bytes(buffer)
            }
        }

        /// The next part.
        ///
        /// - Throws: ``UpstreamError``.
        public mutating func next() async throws -> ByteBuffer? {
            switch source {
            case .stream(var iterator, let owner):
                defer { source = .stream(iterator, owner: owner) }
                do { return try await iterator.next() } catch { throw ReverseProxy.upstreamError(error) }
            case .bytes(let buffer):
                source = .bytes(nil)
                return buffer.flatMap { $0.readableBytes > 0 ? $0 : nil }
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
