// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import ServiceProbing

@Suite("Results of probes as they are stored")
struct StoredResultTests {
    @Test(
        "U+0000 is taken out, and the same letters as text stay, so that what a target says is always JSON",
        arguments: ["", "plain", "a\u{0}b", "\\u0000", "\\\\u0000abc", "\u{0}\\u0000\u{0}\\", "\"\\\u{0}\"", "\\\u{0}"]
    )
    func nul(_ text: String) throws {
        let stored = ProbeRequestStore.withoutNUL(try JSONEncoder().encode([text]))
        let read = try JSONDecoder().decode([String].self, from: Data(stored.utf8))
        #expect(read == [text.replacing("\u{0}", with: "")])
        #expect(!stored.replacing("\\\\", with: "").contains("\\u0000"))
    }
}
