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

    private static let left = 62.0
    private static let top = 72.0
    private static let height = 240.0
    private static let bar = 13.0
    private static let gap = 22.0

    /// The chart as an SVG document, as wide as it needs.
    public var svg: String {
        let plot = plotWidth
        let step = plot / Double(max(1, groups.count))
        var drawing = Drawing(width: Self.left + plot + 16, height: 392, title: title, summary: summary)
        drawing.text(title, at: (Self.left, 24), style: "title")
        drawLegend(&drawing)
        let most = scale
        for step in 0...4 {
            let share = Double(step) / 4
            let y = Self.top + Self.height * (1 - share)
            drawing.line(from: (Self.left, y), to: (Self.left + plot, y), style: step == 0 ? "axis" : "grid")
            drawing.text(figure(most * share), at: (Self.left - 8, y + 4), anchor: .end)
        }
        drawing.text(measure, at: (18, Self.top + Self.height / 2), anchor: .middle, isUpright: true)
        for (index, group) in groups.enumerated() {
            let margin = (step - Double(series.count) * Self.bar) / 2
            draw(group, at: Self.left + Double(index) * step + margin, most, &drawing)
        }
        return drawing.svg
    }

    /// Room for the groups, and for title and legend, which few groups would cut off.
    private var plotWidth: Double {
        let legend = series.reduce(0) { $0 + Self.legendWidth($1) }
        return max(440, Double(groups.count) * groupWidth, 8.8 * Double(title.count), legend)
    }

    private static func legendWidth(_ name: String) -> Double { 32 + 6.6 * Double(name.count) }

    private var groupWidth: Double { max(90, Double(series.count) * Self.bar + Self.gap) }

    /// The end of the axis: the largest value, rounded up to one digit.
    private var scale: Double {
        let largest = groups.flatMap(\.values).compactMap { $0 }.filter { $0.isFinite && $0 < 1e9 }.max() ?? 1
        guard largest > 1e-6 else { return 1 }
        var unit = 1.0
        while unit < largest { unit *= 10 }
        while unit / 10 >= largest { unit /= 10 }
        return (largest / unit * 10).rounded(.up) * unit / 10
    }

    private var summary: String {
        groups.map { group in
            let values = zip(series, group.values).map { "\($0) \($1.map(figure) ?? "none")" }
            return "\(group.name): \(values.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    private func figure(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }

    private func drawLegend(_ drawing: inout Drawing) {
        var x = Self.left
        for (index, name) in series.enumerated() {
            drawing.rectangle(x: x, y: 38, width: 10, height: 10, style: style(index))
            drawing.text(name, at: (x + 15, 47), style: "note")
            x += Self.legendWidth(name)
        }
    }

    private func style(_ series: Int) -> String { "series\(series % 5)" }

    private func draw(_ group: Group, at left: Double, _ most: Double, _ drawing: inout Drawing) {
        for (index, value) in group.values.enumerated() {
            guard let value, value.isFinite else { continue }
            let height = Self.height * min(1, max(0, value) / most)
            drawing.rectangle(
                x: left + Double(index) * Self.bar,
                y: Self.top + Self.height - height,
                width: Self.bar - 2,
                height: height,
                style: style(index),
                hint: "\(index < series.count ? series[index] : ""): \(figure(value))"
            )
        }
        let middle = left + Double(series.count) * Self.bar / 2
        for (line, part) in group.name.split(separator: "\n").enumerated() {
            drawing.text(String(part), at: (middle, Self.top + Self.height + 18 + Double(line) * 15), anchor: .middle)
        }
    }
}
