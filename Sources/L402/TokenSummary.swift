// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Macaroons

/// What a token says about itself: nothing secret, nothing verified.
public struct TokenSummary: Sendable, Hashable {
    /// One caveat in words.
    public struct Line: Sendable, Hashable {
        /// The caveat's text, safe to print.
        public let caveat: String
        /// What it allows, or why the token is refused because of it.
        public let meaning: String
        /// Where a later caveat of the same condition, counted from 1, decides instead.
        public internal(set) var supersededBy: Int?
        /// Why a gate refuses the token because of this caveat.
        public let problem: Refusal.Code?
    }

    /// The binary format, 1 or 2.
    public let version: Int
    /// A hint where the token is to be used; not authenticated.
    public let location: String
    /// Payment hash and token id, or `nil` when the identifier is not that of an L402 token.
    public let identifier: L402Identifier?
    /// The service the caveats were read for.
    public let service: String
    public let caveats: [Line]
    /// Whether the text held a preimage, and if so, whether it is the one of the token's payment.
    public let isPreimageRight: Bool?

    /// Describes a token.
    public init(_ token: TokenText) {
        version = token.version
        location = Caveat(identifier: Array(token.macaroon.location.utf8)).printable
        identifier = L402Identifier(token.macaroon.identifier)
        service = token.macaroon.serviceName
        let hash = identifier?.paymentHash
        isPreimageRight = token.preimage.map { $0.paymentHash == hash }
        caveats = Self.lines(token.macaroon.caveats, service: service)
    }

    private static func lines(_ caveats: [Caveat], service: String) -> [Line] {
        var lines: [Line] = []
        var chains: [String: (index: Int, value: CaveatValue)] = [:]
        for caveat in caveats {
            do throws(Refusal) {
                guard caveat.verificationID == nil else { throw Refusal(.thirdPartyCaveat) }
                let (condition, value) = try CaveatChecker.read(caveat, service: service)
                guard let value else {
                    let meaning = "of another application: not looked at here"
                    lines.append(Line(caveat: caveat.printable, meaning: meaning, problem: nil))
                    continue
                }
                let previous = chains[condition]
                let isWider = previous.map { !value.isWithin($0.value) } ?? false
                if let previous, !isWider { lines[previous.index].supersededBy = lines.count + 1 }
                chains[condition] = (lines.count, value)
                lines.append(
                    Line(
                        caveat: caveat.printable,
                        meaning: isWider ? Refusal(.widened).detail : value.meaning,
                        problem: isWider ? .widened : nil
                    )
                )
            } catch {
                lines.append(Line(caveat: caveat.printable, meaning: error.detail, problem: error.code))
            }
        }
        return lines
    }
}
