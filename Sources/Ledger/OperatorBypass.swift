// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
public import Logging
internal import Metrics

/// Lets the operator use paid routes with a secret of their own.
///
/// Off unless the secret has at least 32 bytes. Every use is logged with its request and counted.
public struct OperatorBypass: Sendable {
    /// The secret's SHA-256; comparing hashes hides the secret's length as well as its bytes.
    private let digest: [UInt8]?
    private let accepted: Counter
    private let refused: Counter

    /// The shortest secret that is accepted.
    public static let shortestSecret = 32

    /// Switches the bypass on with a secret; off with `nil` or one that is too short.
    public init(secret: String?) {
        let bytes = Array((secret ?? "").utf8)
        digest = bytes.count >= Self.shortestSecret ? Array(SHA256.hash(data: bytes)) : nil
        accepted = Counter(label: "operator_bypass_total", dimensions: [("result", "accepted")])
        refused = Counter(label: "operator_bypass_total", dimensions: [("result", "refused")])
    }

    /// Whether any token can be admitted.
    public var isEnabled: Bool { digest != nil }

    /// Compares a token with the secret, in a time that tells nothing about it.
    public func admit(token: String, requestID: String, logger: Logger) -> OperatorGrant? {
        guard let digest else { return nil }
        guard constantTimeEqual(digest, Array(SHA256.hash(data: Array(token.utf8)))) else {
            refused.increment()
            logger.warning("operator bypass refused", metadata: ["request.id": "\(requestID)"])
            return nil
        }
        accepted.increment()
        logger.notice("operator bypass used", metadata: ["request.id": "\(requestID)"])
        return OperatorGrant(requestID: requestID)
    }
}
