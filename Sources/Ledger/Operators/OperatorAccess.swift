// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
public import Logging
internal import Metrics

/// Lets operators in: past payment with a bypass credential, to the admin routes with an API key.
///
/// Credentials are the named ones of the database and, if they have at least 32 bytes, the secrets of the process's own
/// configuration, whose name is `environment`. Every use is logged with its request and counted by name.
public struct OperatorAccess: Sendable {
    /// SHA-256 of the configured secrets; comparing hashes hides the secret's length as well as its bytes.
    private let bypassDigest: [UInt8]?
    private let apiKeyDigest: [UInt8]?
    private let credentials: OperatorCredentials?

    /// The shortest secret that is accepted.
    public static let shortestSecret = 32
    /// The name of the configured secrets.
    public static let environment = "environment"

    /// Describes who is let in; a secret that is `nil` or too short lets nobody in.
    public init(bypassSecret: String?, apiKey: String? = nil, credentials: OperatorCredentials? = nil) {
        bypassDigest = Self.digest(bypassSecret)
        apiKeyDigest = Self.digest(apiKey)
        self.credentials = credentials
    }

    private static func digest(_ secret: String?) -> [UInt8]? {
        let bytes = Array((secret ?? "").utf8)
        return bytes.count >= shortestSecret ? Array(SHA256.hash(data: bytes)) : nil
    }

    /// Whether the configured bypass secret is in force.
    public var isBypassEnabled: Bool { bypassDigest != nil }

    /// Admits a request to paid routes without payment.
    public func bypass(token: String, requestID: String, logger: Logger) -> OperatorGrant? {
        let name =
            Self.matches(token, bypassDigest)
            ? Self.environment : credentials?.admit(token, as: .bypass)?.name
        guard let name else {
            Self.count("refused", name: "unknown")
            logger.warning("operator bypass refused", metadata: ["request.id": "\(requestID)"])
            return nil
        }
        Self.count("accepted", name: name)
        logger.notice(
            "operator bypass used",
            metadata: ["request.id": "\(requestID)", "operator.name": "\(name)"]
        )
        return OperatorGrant(requestID: requestID, name: name)
    }

    /// Identifies an operator by an API key; the configured one has every scope.
    public func identify(apiKey: String) -> OperatorIdentity? {
        if Self.matches(apiKey, apiKeyDigest) {
            return OperatorIdentity(name: Self.environment, scopes: Set(OperatorScope.allCases))
        }
        return credentials?.admit(apiKey, as: .admin)
    }

    private static func matches(_ secret: String, _ digest: [UInt8]?) -> Bool {
        guard let digest else { return false }
        return constantTimeEqual(digest, Array(SHA256.hash(data: Array(secret.utf8))))
    }

    private static func count(_ result: String, name: String) {
        Counter(label: "operator_bypass_total", dimensions: [("result", result), ("name", name)]).increment()
    }
}
