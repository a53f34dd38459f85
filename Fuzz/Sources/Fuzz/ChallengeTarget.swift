// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import L402
import Macaroons
import PaymentAuthentication

extension FuzzTarget {
    /// `WWW-Authenticate` lines of another server.
    static let challenge = FuzzTarget(name: "Challenge") { input in
        let lines = lines(input)
        let offers = ChallengeReader.read(lines)
        require(Set(offers).count == offers.count, "an offer stands once")
        let oneLine = offers.map(text).joined(separator: ", ")
        require(ChallengeReader.read([oneLine]) == offers, "offers in one line read as the same")
        require(ChallengeReader.read(offers.map(text)) == offers, "offers in lines of their own read as the same")
        for case .l402(let token, let invoice) in offers {
            guard let macaroon = TokenText(token)?.macaroon, !invoice.contains(where: { "\"\\".contains($0) }) else {
                continue
            }
            let challenge = Challenge(macaroon: macaroon, invoice: invoice)
            let expected = OfferedChallenge.l402(token: challenge.token, invoice: invoice)
            require(ChallengeReader.read([challenge.headerValue]) == [expected], "a gate's own challenge reads")
        }
        let payments = PaymentChallenge.read(lines)
        require(PaymentChallenge.read(payments.map(\.headerValue)) == payments, "payment challenges read as the same")
    }

    private static func text(_ offer: OfferedChallenge) -> String {
        func quoted(_ text: String) -> String {
            "\"" + text.unicodeScalars.map { "\"\\".unicodeScalars.contains($0) ? "\\\($0)" : "\($0)" }.joined() + "\""
        }
        switch offer {
        case .l402(let token, let invoice): return "L402 macaroon=\(quoted(token)), invoice=\(quoted(invoice))"
        case .payment(let parameters):
            return "Payment " + parameters.map { "\($0.key)=\(quoted($0.value))" }.joined(separator: ", ")
        }
    }
}
