// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import L402
import Macaroons

extension FuzzTarget {
    /// The bytes of a macaroon, version 1 or 2.
    static let macaroon = FuzzTarget(name: "Macaroon") { input in
        guard let macaroon = try? Macaroon(parsing: input) else { return }
        let written = macaroon.serialized()
        require(
            require("what is written reads", { try Macaroon(parsing: written) }) == macaroon,
            "it reads as the same"
        )
        if input.first == 2 { require(written == input, "a macaroon of version 2 has one text only") }

        let narrowed = macaroon.adding(caveat: "n_uses=1")
        require(narrowed.signature != macaroon.signature, "a caveat changes the signature")
        require(narrowed.caveats.count == macaroon.caveats.count + 1, "a caveat is added")
        require(!macaroon.isSigned(by: [UInt8](repeating: 7, count: 32)), "nobody guesses a signature")

        // What a person sees of it.
        let text = require("a token reads", { TokenText(macaroon.token) })
        require(text?.macaroon == macaroon, "a token reads as the same")
        guard let text else { return }
        let shown = TokenSummary(text)
        require(shown.caveats.count == macaroon.caveats.count, "every caveat is shown")
        require(
            shown.caveats.allSatisfy { $0.caveat.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } },
            "no control character reaches a terminal"
        )
        require(!"\(macaroon)".contains(Hex.encode(macaroon.signature)), "the signature is never printed")
    }
}
