// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Secp256k1

/// The hashes of a cipher suite: SHA-256 and `hash_to_field`, kept apart by the suite's context (RFC 9591 section 6.5).
struct SuiteHash: Sendable {
    let context: String

    /// H1, the binding factor.
    func bindingFactor(_ message: [UInt8]) -> Scalar { scalar("rho") { $0.update(data: message) } }

    /// H2, the challenge of a plain Schnorr signature.
    func challenge(_ message: [UInt8]) -> Scalar { scalar("chal") { $0.update(data: message) } }

    /// H3, a nonce from fresh randomness and the signer's secret.
    func nonce(randomness: Scalar, secret: Scalar) -> Scalar {
        scalar("nonce") { hash in
            randomness.withBytes { hash.update(bufferPointer: $0) }
            secret.withBytes { hash.update(bufferPointer: $0) }
        }
    }

    /// H4, the message.
    func message(_ message: [UInt8]) -> [UInt8] { digest("msg", message) }

    /// H5, the list of commitments.
    func commitments(_ list: [UInt8]) -> [UInt8] { digest("com", list) }

    /// HDKG, the challenge of a proof of knowledge.
    func keyGeneration(_ message: [UInt8]) -> Scalar { scalar("dkg") { $0.update(data: message) } }

    /// HID, an identifier from a name.
    func identifier(_ name: [UInt8]) -> Scalar { scalar("id") { $0.update(data: name) } }

    private func digest(_ label: String, _ message: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array((context + label).utf8))
        hash.update(data: message)
        return Array(hash.finalize())
    }

    /// Hashes to a scalar: 48 bytes of `expand_message_xmd` (RFC 9380 section 5.3.1), reduced modulo n.
    func scalar(_ label: String, _ absorb: (inout SHA256) -> Void) -> Scalar {
        let tag = Array((context + label).utf8)
        let suffix = tag + [UInt8(tag.count)]
        var hash = SHA256()
        hash.update(data: [UInt8](repeating: 0, count: SHA256.blockByteCount))
        absorb(&hash)
        hash.update(data: [0, 48, 0] + suffix)
        var seed = Array(hash.finalize())
        var uniform = block(seed, 1, suffix)
        var mixed = zip(seed, uniform).map { $0 ^ $1 }
        var second = block(mixed, 2, suffix)
        uniform.append(contentsOf: second.prefix(16))
        defer {
            overwrite(&seed)
            overwrite(&uniform)
            overwrite(&mixed)
            overwrite(&second)
        }
        return Scalar(reducing: uniform)
    }

    private func block(_ seed: [UInt8], _ number: UInt8, _ suffix: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: seed)
        hash.update(data: [number] + suffix)
        return Array(hash.finalize())
    }
}

/// The tagged hash of BIP 340: SHA-256 over the tag's hash twice, then the message.
func taggedHash(_ tag: String, _ message: [UInt8]) -> [UInt8] {
    let prefix = Array(SHA256.hash(data: Array(tag.utf8)))
    return Array(SHA256.hash(data: prefix + prefix + message))
}

func sha256(_ message: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: message)) }
