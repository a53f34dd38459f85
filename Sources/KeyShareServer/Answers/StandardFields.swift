// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes

/// The fields that every answer carries, as helmet sends them by default, but for `upgrade-insecure-requests`.
enum StandardFields {
    static let all: [HTTPField] = [
        HTTPField(
            name: .contentSecurityPolicy,
            value: "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';"
                + "frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';"
                + "script-src-attr 'none';style-src 'self' https: 'unsafe-inline'"
        ),
        HTTPField(name: .crossOriginOpenerPolicy, value: "same-origin"),
        HTTPField(name: .crossOriginResourcePolicy, value: "same-origin"),
        HTTPField(name: .originAgentCluster, value: "?1"),
        HTTPField(name: .referrerPolicy, value: "no-referrer"),
        HTTPField(name: .strictTransportSecurity, value: "max-age=31536000; includeSubDomains"),
        HTTPField(name: .xContentTypeOptions, value: "nosniff"),
        HTTPField(name: .dnsPrefetchControl, value: "off"),
        HTTPField(name: .downloadOptions, value: "noopen"),
        HTTPField(name: .frameOptions, value: "SAMEORIGIN"),
        HTTPField(name: .crossDomainPolicies, value: "none"),
        HTTPField(name: .xssProtection, value: "0"),
    ]
}

/// Which pages of other origins may read answers.
public struct OriginRule: Sendable, Hashable {
    /// `nil` for any.
    private let origins: Set<String>?

    /// - Parameter text: origins separated by commas; `*` for any, nothing for none.
    public init(_ text: String) {
        let parts = text.split(separator: ",").map { $0.filter { $0 != " " } }
        origins = parts.contains("*") ? nil : Set(parts)
    }

    /// Any origin.
    public static let any = OriginRule("*")

    /// The fields of an answer.
    func fields(for origin: String?) -> HTTPFields {
        guard let origins else { return Self.allowed("*") }
        guard !origins.isEmpty else { return [:] }
        guard let origin, origins.contains(origin) else { return [.vary: "Origin"] }
        var fields = Self.allowed(origin)
        fields[.vary] = "Origin"
        return fields
    }

    private static func allowed(_ origin: String) -> HTTPFields {
        [
            .accessControlAllowOrigin: origin,
            .accessControlExposeHeaders:
                "RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id",
        ]
    }

    /// What is added to the answer of a preflight.
    static let preflight: HTTPFields = [
        .accessControlAllowMethods: "GET,HEAD,PUT,PATCH,POST,DELETE",
        .accessControlAllowHeaders:
            "Authorization, Content-Type, X-KS-Session, X-KS-Signature, X-KS-Check, X-Request-Id",
        .accessControlMaxAge: "600",
    ]
}
