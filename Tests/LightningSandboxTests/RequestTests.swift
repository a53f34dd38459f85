// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import Testing

@testable import LightningSandbox

@Suite("Requests that are not as they should be")
struct RequestTests {
    @Test("a path is taken to the letter")
    func paths() throws {
        #expect(try Endpoint.find(method: "GET", path: "/v1/getinfo").0.name == "/lnrpc.Lightning/GetInfo")
        let (endpoint, values) = try Endpoint.find(method: "GET", path: "/v2/invoices/subscribe/AA%2BB")
        #expect(endpoint.isStream && values == ["r_hash": "AA+B"])
        for path in [
            "", "/", "/v1", "/v1/getinfo/", "//v1/getinfo", "v1/getinfo", "/V1/getinfo", "/v1/invoice/",
            "/v1/%67etinfo",
        ] {
            #expect(throws: RPCError.unknownPath, "\(path)") { try Endpoint.find(method: "GET", path: path) }
        }
        for method in ["POST", "DELETE", "HEAD", "OPTIONS", "get"] {
            #expect(throws: RPCError.wrongMethod, "\(method)") {
                try Endpoint.find(method: method, path: "/v1/getinfo")
            }
        }
    }

    @Test(
        "an integer is written as JSON writes it, in a string or not",
        arguments: ["5", #""5""#, "-5", "0", #""-0""#]
    )
    func integers(text: String) throws {
        let message = try Message(Array("{\"n\":\(text)}".utf8), fields: ["n"])
        let number: Int64 = try message.integer("n", "int64")
        #expect([5, -5, 0].contains(number))
    }

    @Test(
        "anything else is no integer",
        arguments: [
            #""+5""#, #""05""#, #"" 5""#, #""""#, #""-""#, "1.5", #""9223372036854775808""#, "true", "[]", "{}",
            #""٣""#,
        ]
    )
    func noIntegers(text: String) throws {
        let message = try Message(Array("{\"n\":\(text)}".utf8), fields: ["n"])
        #expect(throws: RPCError.self) { try message.integer("n", "int64") as Int64 }
    }

    @Test("no body makes the reader crash, and what it takes has only known fields")
    func bodies() throws {
        let valid = Array(
            #"{"memo":"tea \u00e9 \"x\"","value":"1000","private":true,"r_preimage":"AAAA","x":[1,{}]}"#.utf8
        )
        let fields: Set<String> = ["memo", "value", "private", "r_preimage", "x"]
        for length in 0..<valid.count {
            guard let message = try? Message(Array(valid.prefix(length)), fields: fields) else { continue }
            #expect(length == 0 && message["memo"] == nil)
        }
        for bit in 0..<valid.count * 8 {
            var changed = valid
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let message = try? Message(changed, fields: fields) else { continue }
            _ = try? message.string("memo")
            _ = try? message.integer("value", "int64") as Int64
            _ = try? message.bytes("r_preimage")
        }
    }

    @Test("a last hop may ask for 24 to 65535 blocks", arguments: [0, 24, 65_535] as [UInt64])
    func timeLocks(blocks: UInt64) throws {
        var state = LedgerState(network: .regtest)
        let account = state.openAccount("a", balance: .zero)
        let invoice = try state.addInvoice(InvoiceOrder(msat: 1, cltvExpiry: blocks), account: account, now: 1000)
        #expect(invoice.cltvExpiry == (blocks == 0 ? 80 : blocks))
    }

    @Test("and for no others", arguments: [1, 23, 65_536, .max] as [UInt64])
    func wrongTimeLocks(blocks: UInt64) throws {
        var state = LedgerState(network: .regtest)
        let account = state.openAccount("a", balance: .zero)
        #expect(throws: RPCError.self) {
            try state.addInvoice(InvoiceOrder(msat: 1, cltvExpiry: blocks), account: account, now: 1000)
        }
        #expect(state.accounts[account].invoices.isEmpty)
    }
}
