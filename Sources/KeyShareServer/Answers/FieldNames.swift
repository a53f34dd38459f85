// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes

extension HTTPField.Name {
    private static func custom(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a field name") }
        return field
    }

    static let rateLimitPolicy = custom("RateLimit-Policy")
    static let rateLimitLimit = custom("RateLimit-Limit")
    static let rateLimitRemaining = custom("RateLimit-Remaining")
    static let rateLimitReset = custom("RateLimit-Reset")
    static let requestID = custom("X-Request-Id")
    /// The session around a call of version 3.
    static let keyShareSession = custom("X-KS-Session")
    /// The client's signature of a call of version 3, or a node's of a report.
    static let keyShareSignature = custom("X-KS-Signature")
    /// The HMAC of a body that asks whether a share exists.
    static let keyShareCheck = custom("X-KS-Check")
    /// The password of Oko's reports.
    static let reportPassword = custom("X-KS-NODE-PASSWORD")
    static let crossOriginOpenerPolicy = custom("Cross-Origin-Opener-Policy")
    static let crossOriginResourcePolicy = custom("Cross-Origin-Resource-Policy")
    static let originAgentCluster = custom("Origin-Agent-Cluster")
    static let referrerPolicy = custom("Referrer-Policy")
    static let dnsPrefetchControl = custom("X-DNS-Prefetch-Control")
    static let downloadOptions = custom("X-Download-Options")
    static let frameOptions = custom("X-Frame-Options")
    static let crossDomainPolicies = custom("X-Permitted-Cross-Domain-Policies")
    static let xssProtection = custom("X-XSS-Protection")
    static let forwardedHost = custom("X-Forwarded-Host")
    static let forwardedProto = custom("X-Forwarded-Proto")
    static let forwardedPort = custom("X-Forwarded-Port")
}
