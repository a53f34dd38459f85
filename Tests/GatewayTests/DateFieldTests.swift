// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import HTTPEdge
import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import Gateway

@Suite("The Date of answers")
struct DateFieldTests {
    @Test(
        "a time is written as RFC 9110 has it",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
        ]
    )
    func text(_ second: Int, _ text: String) {
        #expect(HTTPDate.text(second) == text)
    }

    @Test("every final answer has one Date, whatever was in it, and others are left alone")
    func single() throws {
        let channel = EmbeddedChannel(handler: DateField())
        defer { _ = try? channel.finish() }
        var fields: HTTPFields = [.date: "yesterday"]
        fields.append(HTTPField(name: .date, value: "tomorrow"))
        let before = HTTPDate.now()
        for status in [HTTPResponse.Status.ok, .badRequest, .internalServerError] {
            try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: status, headerFields: fields)))
        }
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: .continue)))
        let after = HTTPDate.now()
        for _ in 0..<3 {
            guard case .head(let head)? = try channel.readOutbound(as: HTTPResponsePart.self) else {
                Issue.record("no head")
                return
            }
            let dates = head.headerFields[values: .date]
            #expect(dates.count == 1 && [before, after].contains(dates[0]))
        }
        guard case .head(let head)? = try channel.readOutbound(as: HTTPResponsePart.self) else {
            Issue.record("no head")
            return
        }
        #expect(head.headerFields[.date] == nil)
    }
}
