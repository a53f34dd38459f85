// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes

extension HTTPField.Name {
    static let requestID = custom("X-Request-Id")
    static let xForwardedProto = custom("X-Forwarded-Proto")
    static let xForwardedHost = custom("X-Forwarded-Host")
    static let l402TokenID = custom("L402-Token-Id")
    static let l402PaymentHash = custom("L402-Payment-Hash")
    static let l402Tier = custom("L402-Tier")
    static let apiVersion = custom("X-API-Version")
    static let operatorToken = custom("X-Operator-Token")
    static let l402Balance = custom("L402-Balance")
    static let l402Expires = custom("L402-Expires")
    static let l402Payment = custom("L402-Payment")
    static let l402Price = custom("L402-Price")
    static let proofOfWork = custom("L402-PoW")
    static let idempotencyKey = custom("Idempotency-Key")
    static let idempotentReplay = custom("Idempotent-Replayed")
    static let paymentReceipt = custom("Payment-Receipt")
    static let l402Receipt = custom("L402-Receipt")
    static let deprecatedUse = custom("X-Assay-Deprecated")
    static let satRankBalanceMax = custom("X-SatRank-Balance-Max")
    static let grpcStatus = custom("grpc-status")
    static let grpcMessage = custom("grpc-message")
    static let satRankBalance = custom("X-SatRank-Balance")
    static let balanceMsat = custom("X-Assay-Balance-Msat")
    static let priceMsat = custom("X-Assay-Price-Msat")
    static let apiKey = custom("X-API-Key")
    static let rateLimitPolicy = custom("RateLimit-Policy")
    static let rateLimitLimit = custom("RateLimit-Limit")
    static let rateLimitRemaining = custom("RateLimit-Remaining")
    static let rateLimitReset = custom("RateLimit-Reset")
    static let referrerPolicy = custom("Referrer-Policy")
    static let permissionsPolicy = custom("Permissions-Policy")
    static let frameOptions = custom("X-Frame-Options")
    static let crossOriginResourcePolicy = custom("Cross-Origin-Resource-Policy")

    /// A name of ours; all of them are valid field names.
    private static func custom(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is not a field name") }
        return field
    }
}
