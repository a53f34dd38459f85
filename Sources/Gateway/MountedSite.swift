// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
public import IPAddresses

/// A service with manners of its own that answers some of the requests to this server's port.
///
/// Its answers go out as they are: another protocol decides about their headers.
public struct MountedSite: Sendable {
    /// What metrics call it.
    let name: String
    let takes: @Sendable (Request) -> Bool
    let respond: @Sendable (Request, IPAddress?) async -> Response

    /// - Parameters:
    ///   - takes: whether the site answers a request; asked before any route.
    ///   - respond: is given the address of the socket's other end.
    public init(
        name: String,
        takes: @escaping @Sendable (Request) -> Bool,
        respond: @escaping @Sendable (Request, IPAddress?) async -> Response
    ) {
        self.name = name
        self.takes = takes
        self.respond = respond
    }
}
