// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Pomade

/// What an owner is told by mail.
public enum SignerNotice: Sendable, Hashable {
    /// A code to log in or to recover with.
    case code(String)
    /// The address was attached to a session; following the link confirms it.
    case recoverySet(confirmLink: String)
    case passwordChanged
    case signedIn
    /// Somebody with a mailed code asks for the share, and gets it from that time on unless the link is followed.
    case recoveryRequested(availableAt: Int64, cancelLink: String)
    case recoveryCancelled
    /// The share was handed out.
    case recovered
    /// The share goes in so many days, at that time, unless it is used.
    case retention(days: Int, at: Int64)
}

/// Sends mail, some time, to the address that was confirmed or has to be.
public protocol SignerPost: Sendable {
    /// Takes a notice; never waits and never fails a request.
    func send(_ notice: SignerNotice, to address: String)
}

/// Hashes an address as clients do: Argon2id with the signer's URL as salt.
public protocol EmailHashing: Sendable {
    /// - Throws: `busy`.
    func hash(_ text: [UInt8], salt: String) async throws(SignerFailure) -> Hex32
}
