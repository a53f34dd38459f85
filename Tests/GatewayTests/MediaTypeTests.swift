// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Gateway

@Suite("Media types of bodies")
struct MediaTypeTests {
    @Test("who sends a body of the wrong type is told the types of that route, always in the same order")
    func wanted() {
        #expect(
            RequestPipeline.wantedTypes(["application/vnd.assay.roughtime", "application/octet-stream"])
                == "Send the body as Content-Type: application/octet-stream or application/vnd.assay.roughtime."
        )
        #expect(RequestPipeline.wantedTypes(["application/json"]) == "Send the body as Content-Type: application/json.")
    }
}
