// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Pomade

/// What went wrong between a client and one signer.
public enum SignerProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// No connection, or it broke.
    case unreachable(String)
    /// No answer in time.
    case timedOut
    /// The signer said no; signers of other makes give no code.
    case refused(FailureCode?, String)
    /// What answered does not speak the protocol.
    case unreadable(String)
    /// The signer's answer does not fit its registered share, or the request: it is broken or lies.
    case faulty(String)

    public var description: String {
        switch self {
        case .unreachable(let why): "cannot be reached (\(why)): check the URL and whether the signer runs"
        case .timedOut: "did not answer in time: try again later"
        case .refused(let code?, let message): "refused (\(code.rawValue)): \(message)"
        case .refused(nil, let message): "refused: \(message)"
        case .unreadable(let why): "does not answer like a signer (\(why)): check the URL"
        case .faulty(let why): "gave a wrong answer (\(why)): do not trust it, and tell its operator"
        }
    }

    /// The code of a refusal.
    public var code: FailureCode? { if case .refused(let code, _) = self { code } else { nil } }
}

/// A problem with the signer it concerns.
public struct SignerFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The signer's number in the group; 0 while it has none.
    public let number: Int
    public let url: String
    public let problem: SignerProblem

    public init(number: Int, url: String, problem: SignerProblem) {
        self.number = number
        self.url = url
        self.problem = problem
    }

    public var description: String { "signer \(number == 0 ? "" : "\(number) ")at \(url) \(problem)" }
}

/// Why several signers together came to no result.
public enum ThresholdError: Error, Sendable, CustomStringConvertible {
    /// Fewer signers than the threshold gave what was asked for.
    case tooFewSigners(needed: Int, faults: [SignerFault])
    /// Nothing can be asked in this form; says what to change.
    case invalid(String)
    /// No account was found, or not at enough signers.
    case noAccount(needed: Int, faults: [SignerFault])
    /// Several accounts belong to the address: choose one of these user keys.
    case severalAccounts([Hex32])
    /// Some signers hold new shares already: repeat the change with the same group until all do.
    case halfRefreshed(group: WireGroup, faults: [SignerFault])

    public var description: String {
        switch self {
        case .tooFewSigners(let needed, let faults):
            "fewer than \(needed) signers gave what was asked for" + Self.list(faults)
        case .invalid(let what): what
        case .noAccount(let needed, let faults):
            (needed > 1 ? "fewer than \(needed) signers opened" : "too few signers know")
                + " an account by this address and this password or code" + Self.list(faults)
        case .severalAccounts(let keys):
            "several accounts belong to this address; name one: \(keys.map { "\($0)" }.joined(separator: ", "))"
        case .halfRefreshed(_, let faults):
            "some signers could not be told to change to their new shares; run the refresh again" + Self.list(faults)
        }
    }

    private static func list(_ faults: [SignerFault]) -> String {
        faults.isEmpty ? "" : ":" + faults.map { "\n  \($0)" }.joined()
    }
}
