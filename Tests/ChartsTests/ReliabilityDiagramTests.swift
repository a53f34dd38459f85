// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Charts
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Reliability diagram")
struct ReliabilityDiagramTests {
    private func isWellFormed(_ svg: String) -> Bool { XMLParser(data: Data(svg.utf8)).parse() }

    @Test("every bin is a point with its interval, and the picture is well-formed XML")
    func points() {
        let points = (0..<10).map {
            let share = Double($0) / 10 + 0.05
            return ReliabilityDiagram.Point(
                predicted: share,
                observed: share,
                low: share - 0.05,
                high: share + 0.05,
                count: 7
            )
        }
        let svg = ReliabilityDiagram(title: "node/probe", note: "Brier 0.1", points: points).svg
        #expect(isWellFormed(svg))
        #expect(svg.components(separatedBy: "<circle").count == 11)
        #expect(svg.components(separatedBy: "class='whisker'").count == 11)
        #expect(svg.contains("forecasts: 70"))
    }

    @Test("texts cannot break out of the picture")
    func escaping() {
        let svg = ReliabilityDiagram(title: "<script>'\"&\u{1}", note: "]]>", points: []).svg
        #expect(isWellFormed(svg) && !svg.contains("<script>") && svg.contains("Nothing has been observed yet."))
    }

    @Test("numbers that are none draw nothing absurd")
    func absurdNumbers() {
        let point = ReliabilityDiagram.Point(predicted: .nan, observed: .infinity, low: 0, high: 1, count: 0)
        #expect(isWellFormed(ReliabilityDiagram(title: "", note: "", points: [point]).svg))
    }
}
