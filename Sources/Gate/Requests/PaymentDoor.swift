// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import L402
internal import Ledger
internal import LightningPrimitives
internal import PaymentAuthentication

/// The Payment scheme (intent `charge`) as the gate's second door: one payment for one request.
enum PaymentDoor {
    /// The secret that new challenges are made with.
    static func secret(_ ring: KeyRing) -> PaymentChallengeSecret { PaymentChallengeSecret(ring.secret(for: purpose)) }

    /// What a charge for a request is bound to.
    static func binding(_ product: PaidProduct, _ request: GateRequest) -> PaymentBinding {
        let emptyBody = Array(SHA256.hash(data: [UInt8]()))
        let digest = request.isBodyBound ? request.bodyDigest : nil
        return PaymentBinding(
            service: product.service,
            tier: product.tier,
            method: product.method ?? request.method,
            route: product.route,
            bodyDigest: digest.flatMap { $0 == emptyBody ? nil : $0 } ?? []
        )
    }

    /// Verifies a credential with the secret of every epoch that is in force.
    static func verify(
        _ credential: PaymentCredential,
        _ binding: PaymentBinding,
        ring: KeyRing,
        now: Int64
    ) throws(Refusal) -> VerifiedPayment {
        var refusal = PaymentRefusal.unknownChallenge
        for secret in ring.secrets(for: purpose) {
            do throws(PaymentRefusal) {
                return try PaymentChallengeSecret(secret).verify(credential, binding: binding, now: now)
            } catch {
                refusal = error
                if error != .unknownChallenge { break }
            }
        }
        throw Refusal(refusal.code)
    }

    /// The limit that makes a charge good for one request.
    static func limit(_ hash: PaymentHash) -> SpendingLimit {
        SpendingLimit(key: Array(SHA256.hash(data: Array("assay/payment/charge/1".utf8) + hash.bytes)), uses: 1)
    }

    /// What the charge's credit is filed under, where L402 has the token id.
    static func tokenID(_ payment: VerifiedPayment) -> [UInt8] {
        Array(SHA256.hash(data: Array(payment.challengeID.utf8)))
    }

    private static let purpose = "payment"
}
