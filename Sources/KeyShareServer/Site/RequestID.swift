// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import IPAddresses

/// The names by which requests are found in logs.
enum RequestID {
    /// The one that the client proposes if it is safe to repeat, or 128 random bits.
    static func of(_ proposed: String?) -> String {
        if let proposed, (1...64).contains(proposed.utf8.count), proposed.utf8.allSatisfy(isSafe) { return proposed }
        var generator = SystemRandomNumberGenerator()
        let bits: (UInt64, UInt64) = (generator.next(), generator.next())
        return withUnsafeBytes(of: bits) { Hex.encode($0) }
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

/// Names for client addresses in logs, which mean nothing outside this process.
struct ClientPseudonyms: Sendable {
    private let key = SymmetricKey(size: .bits256)

    func pseudonym(of client: IPAddress?) -> String {
        guard let client else { return "-" }
        let code = HMAC<SHA256>.authenticationCode(for: client.network(v4: 32, v6: 64).address.bytes, using: key)
        return Hex.encode(Array(code.prefix(6)))
    }
}
