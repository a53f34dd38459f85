// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How an endpoint's last answer looks to a directory's reader.
public enum HTTPHealth: String, Sendable, Hashable, CaseIterable, Codable {
    case healthy, degraded, down

    /// The class of a status: 2xx, a redirect and 402 are healthy, other 4xx degraded, the rest is down.
    public init(status: Int) {
        switch status {
        case 200..<300, 301, 302, 307, 308, 402: self = .healthy
        case 400..<500: self = .degraded
        default: self = .down
        }
    }
}
