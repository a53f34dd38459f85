// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Macaroon {
    /// What a reader accepts at most.
    public struct Limits: Sendable, Hashable {
        /// Bytes of a serialised macaroon.
        public var size: Int
        /// Number of caveats.
        public var caveats: Int
        /// Bytes of one caveat's identifier.
        public var caveatSize: Int

        /// Makes limits; the defaults are those of an L402 credential: 4 KiB, 64 caveats of 1 KiB.
        public init(size: Int = 4096, caveats: Int = 64, caveatSize: Int = 1024) {
            self.size = size
            self.caveats = caveats
            self.caveatSize = caveatSize
        }
    }

    /// Reads a macaroon of version 1 (packets) or version 2 (binary); the first byte tells which.
    ///
    /// Stricter than other libraries on purpose: one macaroon has one text, so nothing may follow the signature and
    /// lengths are written in the shortest form.
    /// - Throws: ``MacaroonError``.
    public init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(MacaroonError) {
        guard let first = bytes.first else { throw MacaroonError(.empty, "no bytes") }
        guard bytes.count <= limits.size else {
            throw MacaroonError(.tooLarge, "\(bytes.count) bytes, at most \(limits.size)")
        }
        switch first {
        case 0x02: self = try Self.parseV2(bytes, limits: limits)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"):
            self = try Self.parseV1(bytes, limits: limits)
        default: throw MacaroonError(.unknownVersion, "first byte \(first)")
        }
    }

    static func text(_ bytes: [UInt8], _ what: String) throws(MacaroonError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw MacaroonError(.notText, "\(what) is not UTF-8")
        }
        return text
    }

    static func check(caveats: [Caveat], limits: Limits) throws(MacaroonError) {
        guard caveats.count <= limits.caveats else {
            throw MacaroonError(.tooLarge, "more than \(limits.caveats) caveats")
        }
        guard caveats.allSatisfy({ $0.identifier.count <= limits.caveatSize }) else {
            throw MacaroonError(.tooLarge, "a caveat of more than \(limits.caveatSize) bytes")
        }
    }
}
