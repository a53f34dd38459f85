// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How a request came.
public enum Transport: Int, CaseIterable, Sendable {
    case udp, tcp
    /// Through the gateway, on the local socket.
    case http

    var name: String {
        switch self {
        case .udp: "udp"
        case .tcp: "tcp"
        case .http: "http"
        }
    }
}
