// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What was foretold against what happened: points on the diagonal are right.
///
/// Each point is a bin of forecasts with the 95 % interval of its true share; the bars below show how many there are.
public struct ReliabilityDiagram: Sendable {
    /// A bin of forecasts.
    public struct Point: Sendable {
        /// Mean of what was said, 0 to 1.
        public let predicted: Double
        /// Share of what happened, 0 to 1, and its interval.
        public let observed: Double
        public let low: Double
        public let high: Double
        public let count: Int

        public init(predicted: Double, observed: Double, low: Double, high: Double, count: Int) {
            self.predicted = predicted
            self.observed = observed
            self.low = low
            self.high = high
            self.count = count
        }
    }

    private let title: String
    private let note: String
    private let points: [Point]

    /// - Parameters:
    ///   - note: a line of figures under the title.
    ///   - points: in any order; without any the diagram says that there is nothing to show.
    public init(title: String, note: String, points: [Point]) {
        self.title = title
        self.note = note
        self.points = points.sorted { $0.predicted < $1.predicted }
    }

    private static let side = 400.0
    private static let left = 60.0
    private static let top = 56.0
    private static let barHeight = 60.0

    /// The diagram as an SVG document.
    public var svg: String {
        var drawing = Drawing(
            width: Self.left + Self.side + 24,
            height: Self.top + Self.side + Self.barHeight + 76,
            title: title,
            summary: "\(note). \(points.count) bins of forecasts; points on the diagonal are right."
        )
        drawing.text(title, at: (Self.left, 24), style: "title")
        drawing.text(note, at: (Self.left, 43), style: "note")
        drawAxes(&drawing)
        if points.isEmpty {
            let centre = place(0.5, 0.5)
            drawing.text("Nothing has been observed yet.", at: centre, anchor: .middle, style: "note")
        } else {
            drawCurve(&drawing)
            drawBars(&drawing)
        }
        return drawing.svg
    }

    private func place(_ x: Double, _ y: Double) -> (Double, Double) {
        (Self.left + Self.side * x, Self.top + Self.side * (1 - y))
    }

    private func drawAxes(_ drawing: inout Drawing) {
        for step in 0...5 {
            let share = Double(step) / 5
            let label = "\(step * 20) %"
            drawing.line(from: place(share, 0), to: place(share, 1), style: step == 0 ? "axis" : "grid")
            drawing.line(from: place(0, share), to: place(1, share), style: step == 0 ? "axis" : "grid")
            let (below, beside) = (place(share, 0), place(0, share))
            drawing.text(label, at: (below.0, below.1 + 16), anchor: .middle)
            drawing.text(label, at: (beside.0 - 6, beside.1 + 4), anchor: .end)
        }
        drawing.line(from: place(0, 0), to: place(1, 1), style: "ideal")
        let (bottom, middle) = (place(0.5, 0), place(0, 0.5))
        drawing.text("foretold probability", at: (bottom.0, bottom.1 + 34), anchor: .middle)
        drawing.text("observed share", at: (16, middle.1), anchor: .middle, isUpright: true)
    }

    private func drawCurve(_ drawing: inout Drawing) {
        drawing.polyline(points.map { place($0.predicted, $0.observed) }, style: "curve")
        for point in points {
            drawing.line(
                from: place(point.predicted, point.low),
                to: place(point.predicted, point.high),
                style: "whisker"
            )
            let hint = "foretold \(percent(point.predicted)), observed \(percent(point.observed)) of \(point.count)"
            drawing.circle(place(point.predicted, point.observed), radius: 4, style: "point", hint: hint)
        }
    }

    private func drawBars(_ drawing: inout Drawing) {
        let floor = Self.top + Self.side + 44 + Self.barHeight
        let largest = Double(points.map(\.count).max() ?? 1)
        for point in points {
            let height = Self.barHeight * Double(point.count) / largest
            let x = place(point.predicted, 0).0 - 6
            drawing.rectangle(
                x: x,
                y: floor - height,
                width: 12,
                height: height,
                style: "bar",
                hint: "\(point.count) forecasts about \(percent(point.predicted))"
            )
        }
        drawing.text("forecasts: \(points.reduce(0) { $0 + $1.count })", at: (Self.left, floor + 18), style: "note")
    }

    private func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }
}
