// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Charts
import FoundationEssentials
import Testing

@Suite("Grouped bars")
struct GroupedBarsTests {
    @Test("a bar is as high as its value, and a missing one is left out")
    func heights() {
        let group = GroupedBars.Group(name: "uniform\nafter 0", values: [1, nil, 0.5])
        let svg = GroupedBars(title: "t", measure: "m", series: ["a", "b", "c"], groups: [group]).svg
        #expect(svg.contains("height='240' class='series0'><title>a: 1.0</title>"))
        #expect(svg.contains("height='120' class='series2'><title>c: 0.5</title>"))
        #expect(!svg.contains("<title>b:"))
        #expect(svg.contains("a 1.0, b none, c 0.5"))
    }

    @Test("a chart of few groups is wide enough for its title and its legend")
    func room() throws {
        let group = GroupedBars.Group(name: "g", values: [1])
        func width(title: String, series: [String]) throws -> Double {
            let svg = GroupedBars(title: title, measure: "m", series: series, groups: [group]).svg
            return try #require(Double(svg.components(separatedBy: " width='")[1].components(separatedBy: "'")[0]))
        }
        let short = try width(title: "t", series: ["a"])
        #expect(try width(title: String(repeating: "t", count: 100), series: ["a"]) > short + 300)
        #expect(try width(title: "t", series: Array(repeating: "a method with a name", count: 5)) > short + 300)
    }

    @Test("text from outside cannot become markup")
    func escaping() {
        let text = "</svg><script>&'\""
        let group = GroupedBars.Group(name: text, values: [1])
        let svg = GroupedBars(title: text, measure: text, series: [text], groups: [group]).svg
        #expect(!svg.contains("<script>"))
        #expect(svg.components(separatedBy: "</svg>").count == 2)
    }

    @Test("no bars and impossible values still make a chart")
    func extremes() {
        #expect(GroupedBars(title: "", measure: "", series: [], groups: []).svg.contains("</svg>"))
        let wild = GroupedBars.Group(name: "g", values: [nil, .nan, -1, 0, .infinity, 1e300])
        #expect(GroupedBars(title: "", measure: "", series: ["a"], groups: [wild]).svg.contains("</svg>"))
        let zero = GroupedBars.Group(name: "g", values: [0])
        #expect(GroupedBars(title: "", measure: "", series: ["a"], groups: [zero]).svg.contains("height='0'"))
    }
}
