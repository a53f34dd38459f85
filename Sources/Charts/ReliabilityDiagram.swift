// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How often forecasts came true, against how probable they said it was: on the diagonal they mean what they say.
///
/// Below the diagram stand the numbers of forecasts, because a point of few forecasts says little.
public struct ReliabilityDiagram: Sendable {
    /// Forecasts of about the same size.
    public struct Point: Sendable, Hashable {
        /// Mean forecast, 0 to 1.
        public let predicted: Double
        /// Share that came true, 0 to 1, and the interval it is known to lie in.
        public let observed: Double
        public let lower: Double
        public let upper: Double
        public let count: Int

        public init(predicted: Double, observed: Double, lower: Double, upper: Double, count: Int) {
            self.predicted = predicted
            self.observed = observed
            self.lower = lower
            self.upper = upper
            self.count = count
        }
    }

    private let title: String
    private let points: [Point]

    /// - Parameter points: any number, none included; values outside 0...1 are drawn at the border.
    public init(title: String, points: [Point]) {
        self.title = title
        self.points = points.sorted { ($0.predicted, $0.count) < ($1.predicted, $1.count) }
    }

    private static let left = 62.0
    private static let top = 44.0
    private static let side = 340.0
    private static let histogram = 60.0

    /// The diagram as an SVG document of 440 by 540.
    public var svg: String {
        var drawing = SVGDocument(width: 440, height: 540, title: title, summary: summary)
        drawing.text(title, Self.left, 24)
        axes(&drawing)
        guard !points.isEmpty else {
            drawing.text("no forecasts yet", x(0.5), y(0.5), .middle, style: .muted)
            return drawing.rendered
        }
        for point in points {
            drawing.line(x(point.predicted), y(point.lower), x(point.predicted), y(point.upper), .series0)
        }
        drawing.polyline(points.map { (x($0.predicted), y($0.observed)) }, .series0)
        for point in points {
            drawing.circle(x(point.predicted), y(point.observed), radius: 4, .series0, tip: Self.tip(point))
        }
        counts(&drawing)
        return drawing.rendered
    }

    private func x(_ share: Double) -> Double { Self.left + Self.side * min(1, max(0, share)) }
    private func y(_ share: Double) -> Double { Self.top + Self.side * (1 - min(1, max(0, share))) }

    private var summary: String {
        guard !points.isEmpty else { return "No forecasts yet." }
        let parts = points.map { "forecast \($0.predicted.fixed(2)), observed \($0.observed.fixed(2)) of \($0.count)" }
        return "Reliability of \(points.reduce(0) { $0 + $1.count }) forecasts: " + parts.joined(separator: "; ") + "."
    }

    private static func tip(_ point: Point) -> String {
        "forecast \(point.predicted.fixed(3)), observed \(point.observed.fixed(3)) "
            + "(\(point.lower.fixed(3)) to \(point.upper.fixed(3))), n = \(point.count)"
    }

    private func axes(_ drawing: inout SVGDocument) {
        for step in 0...5 {
            let share = Double(step) / 5
            drawing.line(x(share), y(0), x(share), y(1), .grid)
            drawing.line(x(0), y(share), x(1), y(share), .grid)
            drawing.text(share.fixed(1), x(share), y(0) + 16, .middle, style: .muted)
            drawing.text(share.fixed(1), x(0) - 8, y(share) + 4, .end, style: .muted)
        }
        drawing.line(x(0), y(0), x(1), y(1), .ideal)
        drawing.line(x(0), y(0), x(1), y(0), .axis)
        drawing.line(x(0), y(0), x(0), y(1), .axis)
        drawing.text("forecast probability", x(0.5), y(0) + 34, .middle)
        drawing.verticalText("observed share", 18, y(0.5))
    }

    private func counts(_ drawing: inout SVGDocument) {
        let base = y(0) + 48 + Self.histogram
        let most = Double(points.map(\.count).max() ?? 1)
        for point in points {
            let height = Self.histogram * Double(point.count) / max(1, most)
            drawing.rectangle(x(point.predicted) - 5, base - height, 10, height, .band, tip: Self.tip(point))
        }
        drawing.line(x(0), base, x(1), base, .axis)
        drawing.text("forecasts per point, most \(Int(most))", x(0.5), base + 18, .middle, style: .muted)
    }
}
