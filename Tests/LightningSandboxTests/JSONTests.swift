// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import LightningSandbox

@Suite("The sandbox's JSON")
struct JSONTests {
    private let text = #"{"a": [1, -2.5e+3, true, null], "b": {"c": "\u00e9\n\ud83d\ude00/"}, "d": ""}"#

    @Test("values keep their places, and numbers their digits")
    func places() throws {
        let node = try JSONParser.parse(Array(#"{"n": 9007199254740993, "t": "x"}"#.utf8))
        #expect(node["n"]?.digits == "9007199254740993")
        #expect(node["n"]?.offset == 6)
        #expect(node["n"]?.end == 22)
        #expect(node["t"]?.string == "x")
    }

    @Test("escapes are read as RFC 8259 has them")
    func escapes() throws {
        let node = try JSONParser.parse(Array(text.utf8))
        #expect(node["b"]?["c"]?.string == "é\n😀/")
        #expect(try JSONParser.parse(Array(#""\ud800x""#.utf8)).string == "\u{FFFD}x")
    }

    @Test("every beginning of a document is refused, and damage never crashes the parser")
    func damage() throws {
        let bytes = Array(text.utf8)
        for length in 0..<bytes.count {
            #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(Array(bytes.prefix(length))) }
        }
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            let isValid = (try? JSONSerialization.jsonObject(with: Data(damaged))) != nil
            let isTaken = (try? JSONParser.parse(damaged)) != nil
            // Foundation refuses lone surrogates, which Go replaces; in all else they agree.
            if isValid { #expect(isTaken, "\(String(decoding: damaged, as: UTF8.self))") }
        }
    }

    @Test(
        "malformed documents are refused",
        arguments: [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "-", "1.", "1e", "tru", "\"\u{1}\"", "\"\\x\"", "[] []",
            "nul",
        ]
    )
    func malformed(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(Array(text.utf8)) }
    }

    @Test("deep nesting is refused before it can exhaust the stack")
    func nesting() {
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONSyntaxError.self) { try JSONParser.parse(deep) }
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
