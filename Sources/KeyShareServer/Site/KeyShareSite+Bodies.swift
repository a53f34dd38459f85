// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Deadlines
internal import HTTPTypes
internal import Hummingbird
internal import KeyShareProtocol
internal import NIOCore

extension KeyShareSite {
    /// Reads a body whole, within its limit and its time.
    func body(of request: Request) async throws(KeyShareFailure) -> [UInt8] {
        let limit = KeyShareProtocol.RequestBody.maximumCount
        let tooLarge = KeyShareFailure(.payloadTooLarge, "the body is larger than \(limit) bytes")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        do {
            let source = request.body
            return try await withDeadline(configuration.bodyTimeout) {
                Array(buffer: try await source.collect(upTo: limit))
            }
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch is DeadlineExceeded {
            throw KeyShareFailure(.invalidRequest, "the body did not arrive in time")
        } catch {
            // The client hung up or sent something that is not HTTP: its fault, not ours.
            throw KeyShareFailure(.invalidRequest, "the body did not arrive whole")
        }
    }

    /// Refuses bodies that say to be something else than JSON.
    ///
    /// - Parameter takesForms: whether `curl -d` without a type is forgiven, which no page of a browser can imitate.
    static func checkMediaType(_ request: Request, takesForms: Bool = false) throws(KeyShareFailure) {
        let headers = request.headers
        if let coding = headers[.contentEncoding]?.lowercased(), coding != "identity" {
            throw KeyShareFailure(.unsupportedMediaType, "send the body without a Content-Encoding")
        }
        let parts = (headers[.contentType] ?? "").lowercased().split(separator: ";").map { part in
            part.filter { $0 != " " && $0 != "\t" }
        }
        let isEmpty = headers[.transferEncoding] == nil && (headers[.contentLength].flatMap { Int($0) } ?? 0) == 0
        if isEmpty, parts.isEmpty { return }
        let charset = parts.dropFirst().first { $0.hasPrefix("charset=") }?.dropFirst(8).filter { $0 != "\"" }
        let isJSON = parts.first == "application/json"
        let isForm = takesForms && parts.first == "application/x-www-form-urlencoded" && headers[.origin] == nil
        guard isJSON || isForm, charset == nil || charset == "utf-8" || charset == "utf8" else {
            throw KeyShareFailure(.unsupportedMediaType, "send the body as Content-Type: application/json")
        }
    }
}

/// A request's body as backups take it: pieces of bytes, as they arrive.
struct BodyPieces: AsyncSequence, Sendable {
    typealias Element = ArraySlice<UInt8>
    typealias Failure = any Error

    let body: Hummingbird.RequestBody

    struct AsyncIterator: AsyncIteratorProtocol {
        var inner: Hummingbird.RequestBody.AsyncIterator

        mutating func next() async throws -> ArraySlice<UInt8>? {
            try await inner.next().map { Array($0.readableBytesView)[...] }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(inner: body.makeAsyncIterator()) }
}
