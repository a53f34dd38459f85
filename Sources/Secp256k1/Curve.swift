// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSecp256k1

/// The library's context: made once, blinded once, read-only afterwards.
enum Curve {
    /// The context is only read after its making, and libsecp256k1 documents that as safe from any thread.
    private struct Context: @unchecked Sendable { let pointer: OpaquePointer }

    private static let shared: Context = {
        let flags = UInt32(SECP256K1_CONTEXT_NONE)
        guard let pointer = secp256k1_context_create(flags) else {
            preconditionFailure("libsecp256k1 could not allocate its context")
        }
        var generator = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        // Blinds the multiplications against timing attacks.
        let isBlinded = secp256k1_context_randomize(pointer, seed) == 1
        precondition(isBlinded, "libsecp256k1 could not blind its context")
        return Context(pointer: pointer)
    }()

    static var context: OpaquePointer { shared.pointer }
}
