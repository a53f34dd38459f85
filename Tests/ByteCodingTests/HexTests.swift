// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Testing

@Suite("Hex")
struct HexTests {
    @Test("digits of either case decode, and lower case is written")
    func cases() {
        #expect(Hex.decode("00fFAb") == [0, 255, 0xAB])
        #expect(Hex.encode([0, 255, 0xAB]) == "00ffab")
        #expect(Hex.decode("") == [])
    }

    @Test("an odd length or a foreign character is refused", arguments: ["0", "0g", "0x", " 00", "é0", "00 "])
    func refused(text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test("a constant-time comparison agrees with an ordinary one")
    func constantTime() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
        #expect(constantTimeEqual([UInt8](), [UInt8]()))
    }
}
