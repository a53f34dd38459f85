// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

extension StringProtocol {
    /// Whether there are only the digits 0-9 and a-f, as NIP-01 wants them.
    var isLowercaseHex: Bool {
        utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

extension Bytes32 {
    /// Reads 64 lower-case hexadecimal digits; upper case would be a second spelling of the same event.
    public init?(lowercaseHex text: some StringProtocol) {
        guard text.isLowercaseHex else { return nil }
        self.init(hex: text)
    }
}
