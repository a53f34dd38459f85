// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import Synchronization

/// A client's body on its way to the backend: counted against its limit, and noting when it moves.
struct CountedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let source: UpstreamRequest.Body
    let limit: Int
    let progress: UploadProgress

    struct AsyncIterator: AsyncIteratorProtocol {
        var source: any AsyncIteratorProtocol<ByteBuffer, any Error>
        let limit: Int
        let progress: UploadProgress
        private var count = 0

        init(_ body: CountedBody) {
            source = body.source.makeAsyncIterator()
            limit = body.limit
            progress = body.progress
        }

        mutating func next() async throws -> ByteBuffer? {
            let part: ByteBuffer?
            do {
                part = try await source.next(isolation: nil)
            } catch {
                progress.fail(.requestBodyBroken)
                throw error
            }
            guard let part else {
                progress.note()
                return nil
            }
            count += part.readableBytes
            guard count <= limit else {
                progress.fail(.requestBodyTooLarge)
                throw UpstreamError.requestBodyTooLarge
            }
            progress.note()
            return part
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}

/// When a request's body last moved, and what is wrong with it.
final class UploadProgress: Sendable {
    private struct State {
        var last: ContinuousClock.Instant?
        var failure: UpstreamError?
    }

    private let state = Mutex(State())

    func note() { state.withLock { $0.last = .now } }

    func fail(_ error: UpstreamError) { state.withLock { $0.failure = error } }

    /// `nil` before the first part.
    var last: ContinuousClock.Instant? { state.withLock(\.last) }

    var failure: UpstreamError? { state.withLock(\.failure) }
}
