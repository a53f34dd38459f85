// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses

/// How a signer is reached over HTTP.
public struct SignerServerConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// 0 picks a free one.
    public var port = 3000
    /// Proxies whose `X-Forwarded-For` is believed.
    public var trustedProxies: [IPNetwork] = []
    public var maxConnections = 4096
    /// Bytes of a request's body.
    public var bodyLimit = 64 * 1024
    /// How long a request may take from its head on; clients give up after 15 s.
    public var requestTimeout: Duration = .seconds(15)
    /// How long a request's head may take to arrive.
    public var headTimeout: Duration = .seconds(10)
    /// Whether every request has to be signed together with its body.
    public var requiresPayload = false
    /// What `/sign/complete` and `/ecdh` take at least.
    public var sensitiveFloor: Duration = .zero
    /// Whether single addresses are limited; off in tests only.
    public var limitsAddresses = true
    /// The key that lets others than this machine read the metrics.
    public var metricsKey: String?
    /// Whether this machine reads the metrics without a key.
    public var isMetricsLoopbackFree = true

    public init() {}
}
