// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LightningSandbox

@Suite("The sandbox's JSON")
struct JSONTests {
    private func message(_ text: String) throws -> Message {
        try Message(Array(text.utf8), fields: ["value", "memo", "permissions"])
    }

    @Test("64-bit numbers keep their digits, written as numbers or as strings")
    func numbers() throws {
        let number: Int64 = try message(#"{"value": 9007199254740993}"#).integer("value", "int64")
        #expect(number == 9_007_199_254_740_993)
        let text: Int64 = try message(#"{"value": "-9007199254740993"}"#).integer("value", "int64")
        #expect(text == -9_007_199_254_740_993)
        for wrong in [#"{"value": 1.5}"#, #"{"value": true}"#] {
            let message = try message(wrong)
            #expect(throws: RPCError.self) { _ = try message.integer("value", "int64") as Int64 }
        }
    }

    @Test("every beginning of a document is refused, and damage never crashes the reader")
    func damage() throws {
        let bytes = Array(#"{"value": "1", "memo": "\u00e9\n\ud83d\ude00/", "permissions": [{"entity": "info"}]}"#.utf8)
        #expect(try Message(bytes, fields: ["value", "memo", "permissions"]).string("memo") == "é\n😀/")
        for length in 1..<bytes.count {
            #expect(throws: RPCError.self) { try message(String(decoding: bytes.prefix(length), as: UTF8.self)) }
        }
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            _ = try? Message(damaged, fields: ["value", "memo", "permissions"])
        }
    }

    @Test(
        "malformed documents are refused",
        arguments: ["{", "[1,]", "{a:1}", "tru", "\"\\x\"", "[] []", "nul", "[]", "7"]
    )
    func malformed(text: String) {
        #expect(throws: RPCError.self) { try message(text) }
    }

    @Test("deep nesting is refused before it can exhaust the stack")
    func nesting() {
        let deep = String(repeating: "[", count: 1_000_000)
        #expect(throws: RPCError.self) { try message("{\"memo\": \(deep)") }
    }

    @Test("what is written can be read, with every kind of character in it")
    func writing() throws {
        let nasty = String(String.UnicodeScalarView((0..<0x180).compactMap { Unicode.Scalar($0) }))
        let json: JSON = [
            "text": .string(nasty), "number": .text(Int64.min), "half": .double(0.5), "whole": .double(3),
        ]
        let read = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(read["text"] as? String == nasty)
        #expect(read["number"] as? String == "-9223372036854775808")
        #expect(String(decoding: json.utf8, as: UTF8.self).hasSuffix(#""half":0.5,"whole":3}"#))
    }

    @Test("fields are taken in both spellings, and wrong ones are told with their place")
    func message() throws {
        let fields: Set<String> = ["payment_request", "timeout_seconds"]
        let body = Array(#"{"paymentRequest": "x", "timeout_seconds": "7"}"#.utf8)
        let message = try Message(body, fields: fields)
        #expect(try message.string("payment_request") == "x")
        #expect(try message.integer("timeout_seconds", "int32") as Int32 == 7)
        let bad = Array("{\n \"other\": 1}".utf8)
        let expected = RPCError("proto: (line 2:2): unknown field \"other\"", code: .invalidArgument)
        #expect(throws: expected) { try Message(bad, fields: fields) }
    }

    @Test("bytes in paths and queries must be padded, in either alphabet")
    func padding() throws {
        #expect(try Arguments(query: "h=_-8=").bytes("h") == [0xFF, 0xEF])
        #expect(try Arguments(query: "h=%2F%2B8%3D").bytes("h") == [0xFF, 0xEF])
        #expect(throws: RPCError.self) { try Arguments(query: "h=_-8").bytes("h") }
        #expect(throws: RPCError.self) { try Arguments(path: ["h": "_-8"]).pathBytes("h") }
    }
}
