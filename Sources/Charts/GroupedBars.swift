// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Bars side by side in groups: the same measure for several methods under several conditions.
public struct GroupedBars: Sendable {
    /// One condition, with a value for each series; `nil` leaves a gap.
    public struct Group: Sendable, Hashable {
        public let name: String
        public let values: [Double?]

        public init(name: String, values: [Double?]) {
            self.name = name
            self.values = values
        }
    }

    private let title: String
    private let measure: String
    private let series: [String]
    private let groups: [Group]

    /// - Parameters:
    ///   - measure: what the values are, for the axis.
    ///   - series: names of the methods; at most five are told apart by colour.
    ///   - groups: any number; values below 0 are drawn as 0.
    public init(title: String, measure: String, series: [String], groups: [Group]) {
        self.title = title
        self.measure = measure
        self.series = series
        self.groups = groups
    }

    private static let colours: [SVGDocument.Style] = [.series1, .series2, .series3, .series4, .series0]
    private static let left = 62.0
    private static let top = 72.0
    private static let height = 240.0
    private static let bar = 13.0
    private static let gap = 22.0

    /// The chart as an SVG document, as wide as it needs.
    public var svg: String {
        let plot = max(440, Double(groups.count) * groupWidth)
        var drawing = SVGDocument(width: Self.left + plot + 16, height: 392, title: title, summary: summary)
        drawing.text(title, Self.left, 24)
        legend(&drawing)
        let most = scale
        for step in 0...4 {
            let value = most * Double(step) / 4
            let y = Self.top + Self.height * (1 - Double(step) / 4)
            drawing.line(Self.left, y, Self.left + plot, y, step == 0 ? .axis : .grid)
            drawing.text(value.fixed(most < 1 ? 2 : 1), Self.left - 8, y + 4, .end, style: .muted)
        }
        drawing.verticalText(measure, 18, Self.top + Self.height / 2)
        for (index, group) in groups.enumerated() {
            bars(of: group, at: Self.left + Double(index) * groupWidth + Self.gap / 2, most, &drawing)
        }
        return drawing.rendered
    }

    private var groupWidth: Double { max(90, Double(series.count) * Self.bar + Self.gap) }

    /// The end of the axis: the largest value, rounded up to one digit.
    private var scale: Double {
        let largest = groups.flatMap(\.values).compactMap { $0 }.filter(\.isFinite).max() ?? 1
        var unit = 1.0
        while unit < largest { unit *= 10 }
        while unit / 10 >= largest, unit > 1e-6 { unit /= 10 }
        return (largest / unit * 10).rounded(.up) * unit / 10
    }

    private var summary: String {
        groups.map { group in
            let values = zip(series, group.values).map { "\($0) \($1.map { $0.fixed(4) } ?? "none")" }
            return "\(group.name): \(values.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    private func legend(_ drawing: inout SVGDocument) {
        var x = Self.left
        for (index, name) in series.enumerated() {
            drawing.rectangle(x, 38, 10, 10, Self.colours[index % Self.colours.count], tip: name)
            drawing.text(name, x + 15, 47, style: .muted)
            x += 32 + 6.6 * Double(name.count)
        }
    }

    private func bars(of group: Group, at left: Double, _ most: Double, _ drawing: inout SVGDocument) {
        for (index, value) in group.values.enumerated() {
            guard let value, value.isFinite else { continue }
            let height = Self.height * min(1, max(0, value) / max(most, 1e-12))
            drawing.rectangle(
                left + Double(index) * Self.bar,
                Self.top + Self.height - height,
                Self.bar - 2,
                height,
                Self.colours[index % Self.colours.count],
                tip: "\(group.name), \(index < series.count ? series[index] : ""): \(value.fixed(4))"
            )
        }
        let middle = left + Double(series.count) * Self.bar / 2
        for (line, part) in group.name.split(separator: "\n").enumerated() {
            drawing.text(String(part), middle, Self.top + Self.height + 18 + Double(line) * 15, .middle)
        }
    }
}
