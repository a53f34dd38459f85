// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import LightningPrimitives
import Testing

@Suite("Lightning primitives")
struct PrimitivesTests {
    @Test("a preimage hashes to its payment hash and never prints itself")
    func preimage() throws {
        let preimage = try #require(Preimage([UInt8](repeating: 0, count: 32)))
        #expect(preimage.paymentHash.hex == "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925")
        #expect("\(preimage)" == "[redacted]")
    }

    @Test("32-byte values keep their bytes and refuse other lengths")
    func bytes32() throws {
        let bytes = (0..<32).map { UInt8($0 * 7 & 0xFF) }
        #expect(try #require(PaymentHash(bytes)).bytes == bytes)
        #expect(PaymentHash(bytes.dropLast()) == nil)
        #expect(PaymentHash(hex: String(repeating: "0", count: 66)) == nil)
    }

    @Test("a node id orders by its bytes and refuses uncompressed keys")
    func nodeID() throws {
        let low = try #require(NodeID(hex: "02" + String(repeating: "ff", count: 32)))
        let high = try #require(NodeID(hex: "03" + String(repeating: "00", count: 32)))
        #expect(low < high)
        #expect(low.hex == "02" + String(repeating: "ff", count: 32))
        #expect(NodeID(hex: "04" + String(repeating: "00", count: 32)) == nil)
    }

    @Test("a short channel id shows block, transaction and output")
    func shortChannelID() {
        #expect(ShortChannelID(rawValue: 0x0839_4C00_034D_0001).description == "538956x845x1")
    }

    @Test("satoshi round in the direction their names say")
    func rounding() {
        #expect(MilliSatoshi(msat: 1001).satFloor == 1)
        #expect(MilliSatoshi(msat: 1001).satCeiling == 2)
        #expect(MilliSatoshi(msat: -1).satFloor == -1)
        #expect(MilliSatoshi(exactlySat: .max) == nil)
    }
}
