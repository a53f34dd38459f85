// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import Hummingbird
internal import IPAddresses
internal import NIOCore

/// What travels with a request: its id, who sent it and where from.
public struct APIContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The address of the socket's other end.
    let peer: SocketAddress?
    /// The connection.
    let channel: any Channel
    /// The request's id; the client's own if it is safe to echo.
    var requestID: String
    /// The client's address behind trusted proxies.
    var client: IPAddress?

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        peer = source.channel.remoteAddress
        requestID = ""
        client = nil
    }
}

extension SocketAddress {
    /// The address without port, or `nil` for a Unix socket.
    var address: IPAddress? { ipAddress.flatMap { IPAddress($0) } }
}
