// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test(
        "the RFC 4648 examples encode and decode",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func rfcExamples(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        let bare = encoded.replacing("=", with: "")
        #expect(Base64.encode(Array(plain.utf8), padded: false) == bare)
        #expect(Base64.decodeEither(bare) == Array(plain.utf8))
    }

    @Test(
        "a second spelling of a value is refused",
        arguments: [
            "Zh==", "Zm9=", "Zg=", "Zg===", "Z", "Z===", "====", "Zm 9v", "Zm9v\n", "+_==", "-/8=", "Zg==Zg==", "=",
        ]
    )
    func strict(text: String) {
        #expect(Base64.decodeEither(text) == nil)
    }

    @Test("any bytes survive a round trip in both alphabets, padded or not")
    func roundTrip() {
        var generator = SystemRandomNumberGenerator()
        for length in 0..<200 {
            let bytes = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            for alphabet in [Base64.Alphabet.standard, .urlSafe] {
                for padded in [true, false] {
                    let text = Base64.encode(bytes, alphabet: alphabet, padded: padded)
                    #expect(Base64.decode(text, alphabet: alphabet, padding: .optional) == bytes)
                    #expect(Base64.decodeEither(text) == bytes)
                }
            }
        }
    }
}
