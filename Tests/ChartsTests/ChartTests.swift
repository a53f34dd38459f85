// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Charts
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Whether a text is well-formed XML.
private func isWellFormed(_ text: String) -> Bool { XMLParser(data: Data(text.utf8)).parse() }

@Suite("Charts")
struct ChartTests {
    private let points = [
        ReliabilityDiagram.Point(predicted: 0.9, observed: 0.8, lower: 0.7, upper: 0.9, count: 100),
        ReliabilityDiagram.Point(predicted: 0.2, observed: 0.25, lower: 0.1, upper: 0.4, count: 50),
    ]

    @Test("a reliability diagram is well-formed, names itself, and says its numbers to who cannot see")
    func diagram() {
        let svg = ReliabilityDiagram(title: "Paid probes", points: points).svg
        #expect(isWellFormed(svg))
        #expect(svg.contains("<title id=\"title\">Paid probes</title>"))
        #expect(svg.contains("Reliability of 150 forecasts: forecast 0.20, observed 0.25 of 50; forecast 0.90"))
        #expect(svg.components(separatedBy: "<circle").count == 3)
    }

    @Test("a point lies where its numbers say")
    func place() {
        let svg = ReliabilityDiagram(
            title: "t",
            points: [.init(predicted: 0.5, observed: 1, lower: 0.5, upper: 1, count: 1)]
        ).svg
        #expect(svg.contains("cx=\"232.00\" cy=\"44.00\""))
    }

    @Test(
        "text from outside cannot become markup",
        arguments: ["</svg><script>", "a & b", "\"'<>", "\u{1}\u{FFFE}nul"]
    )
    func escaping(_ text: String) {
        let diagram = ReliabilityDiagram(title: text, points: points).svg
        let bars = GroupedBars(
            title: text,
            measure: text,
            series: [text],
            groups: [.init(name: text, values: [1])]
        ).svg
        for svg in [diagram, bars] {
            #expect(isWellFormed(svg))
            #expect(!svg.contains("<script>"))
        }
    }

    @Test("no forecasts, no bars and impossible values still make a chart")
    func extremes() {
        #expect(isWellFormed(ReliabilityDiagram(title: "", points: []).svg))
        #expect(ReliabilityDiagram(title: "", points: []).svg.contains("no forecasts yet"))
        let wild = ReliabilityDiagram.Point(predicted: .nan, observed: .infinity, lower: -1, upper: 2, count: 0)
        #expect(isWellFormed(ReliabilityDiagram(title: "", points: [wild]).svg))
        #expect(isWellFormed(GroupedBars(title: "", measure: "", series: [], groups: []).svg))
        let bars = GroupedBars(
            title: "",
            measure: "",
            series: ["a", "b"],
            groups: [.init(name: "g", values: [nil, .nan, -1, 1e300])]
        )
        #expect(isWellFormed(bars.svg))
    }

    @Test("a bar is as high as its value, and a missing one is left out")
    func bars() {
        let svg = GroupedBars(
            title: "t",
            measure: "m",
            series: ["a", "b", "c"],
            groups: [.init(name: "g", values: [1, nil, 0.5])]
        ).svg
        #expect(svg.contains("height=\"240.00\"><title>g, a: 1.0000</title>"))
        #expect(svg.contains("height=\"120.00\"><title>g, c: 0.5000</title>"))
        #expect(!svg.contains("g, b"))
    }
}
