// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// Signs delegations within the policy, and writes down each one first.
public enum Mint {
    /// Answers a request.
    ///
    /// - Parameters:
    ///   - clock: read immediately before.
    ///   - log: gets one line, which is on the disk when this returns.
    /// - Throws: ``RoughtimeKeyError/Code/refused`` when the policy says no; nothing is signed or written then.
    public static func certificates(
        for request: CertificateRequest,
        seed: borrowing LongTermSeed,
        policy: DelegationPolicy,
        clock: KernelClock,
        log: inout AuditLog
    ) throws(RoughtimeKeyError) -> CertificateSet {
        let window = try policy.window(for: request.created, clock: clock, mintings: log.mintings)
        let set = try CertificateSet(for: request, window: window, seed: seed)
        try log.append(
            Minting(
                time: clock.now,
                publicKey: Hex.encode(request.publicKey),
                notBefore: window.lowerBound,
                notAfter: window.upperBound
            )
        )
        return set
    }
}
