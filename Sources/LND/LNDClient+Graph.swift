// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOFoundationCompat
internal import NIOHTTP1

extension LNDClient {
    /// Follows the network's changes until the stream ends (`GET /v1/graph/subscribe`); permission `info:read`, or
    /// `uri:/lnrpc.Lightning/SubscribeChannelGraph`.
    ///
    /// Hands on the lines as LND wrote them, because gossip is foreign text that only a tolerant reader may judge. There
    /// is no replay: what happened while nobody listened is only in the whole graph. LND sends nothing, not even the
    /// answer's head, before the first change. A line of more than 4 MiB is passed over.
    /// - Throws: ``LNDError`` for a refusal or a lost connection; returns when LND ended the stream in good order.
    public func readGraphUpdates(_ take: ([UInt8]) async -> Void) async throws(LNDError) {
        do {
            let response = try await transport.open(.subscribeGraph, path: "/v1/graph/subscribe")
            guard response.status == .ok else {
                let data = Data(buffer: try await response.body.collect(upTo: 1 << 20))
                try check(.subscribeGraph, status: Int(response.status.code), data: data, bodyDecodes: false)
                return
            }
            var splitter = LineSplitter(limit: 4 << 20, skipsLongLines: true)
            for try await chunk in response.body {
                for line in try splitter.append(chunk) { await take(line) }
            }
        } catch {
            throw transport.transportError(.subscribeGraph, error)
        }
    }
}
