// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import L402
import LightningPrimitives
import Secp256k1

/// Secrets that are none.
enum Fixtures {
    static let ring = require(
        "a secret of 32 bytes is a ring",
        { try KeyRing(secret: [UInt8](repeating: 1, count: 32)) }
    )
    static let preimage = given(Preimage([UInt8](repeating: 2, count: 32)))
    static let secretKey = given(SecretKey([UInt8](repeating: 3, count: 32)))

    private static func given<Value>(_ value: Value?) -> Value {
        guard let value else { preconditionFailure("a fixture of the right length") }
        return value
    }
}
