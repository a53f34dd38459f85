// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import Hummingbird
public import IPAddresses
public import NIOCore

extension KeyShareSite {
    /// An answer that is whole.
    public struct WholeReply: Sendable {
        public let status: HTTPResponse.Status
        public let headers: HTTPFields
        public let body: ByteBuffer
    }

    /// Answers a request that another server has read, and whose client it knows.
    public func reply(to request: Request, client: IPAddress?) async -> WholeReply {
        let response = await respond(to: request, knownClient: client)
        let writer = WholeBody()
        // A writer that only collects does not fail.
        try? await response.body.write(writer)
        return WholeReply(status: response.status, headers: response.headers, body: writer.bytes)
    }

    private final class WholeBody: ResponseBodyWriter {
        var bytes = ByteBuffer()

        func write(_ buffer: ByteBuffer) async throws { bytes.writeImmutableBuffer(buffer) }
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
