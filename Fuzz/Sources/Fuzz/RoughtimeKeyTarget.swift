// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Roughtime
import RoughtimeKeys

extension FuzzTarget {
    /// What responder and delegate write for each other, and what an operator types or carries.
    static let roughtimeKeys = FuzzTarget(name: "RoughtimeKeys") { input in
        let bytes = Array(input)
        if let request = try? CertificateRequest(parsing: bytes) {
            require((try? request.encoded()) == bytes, "a request has one text")
            require(request.publicKey.count == 32 && !request.profiles.isEmpty, "a request asks for something")
        }
        if let set = try? CertificateSet(parsing: bytes) {
            require((try? set.encoded()) == bytes, "a certificate set has one text")
            require(
                set.certificates.values.allSatisfy { $0.delegation.publicKey == set.publicKey },
                "every certificate is for the set's key"
            )
        }
        if let backup = try? SeedBackup(parsing: bytes) {
            require((try? backup.encoded()) == bytes, "a backup has one text")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if let key = try? LongTermPublicKey.parse(text) { require(key.count == 32, "a public key has 32 bytes") }
        do {
            let form = PaperForm.text(of: try PaperForm.seed(parsing: text))
            let again = PaperForm.text(of: try PaperForm.seed(parsing: form))
            require(form == again, "a paper form that reads is that of its seed")
        } catch {}
    }
}
