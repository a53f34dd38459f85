// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import L402
import Settings

extension KeyRing {
    /// The key ring; there is no gate without one.
    static func configured(_ settings: Settings) throws -> KeyRing {
        do {
            if let ring = settings.secret(.keyRing) { return try KeyRing(parsing: ring.text) }
            if let secret = settings.secret(.l402Secret) {
                return try KeyRing(parsing: "0 mint \(secret.text)")
            }
        } catch {
            throw Failure(Failure.configuration, "the L402 key is not valid: \(error)")
        }
        throw Failure(
            Failure.configuration,
            """
            L402_MACAROON_SECRET is not set; without it nobody could tell a paid token from a forged one. Make one:
              umask 077; echo "0 mint $(openssl rand -hex 32)" > l402-key-ring; export ASSAY_L402_KEY_RING_FILE=$PWD/l402-key-ring
            """
        )
    }
}
