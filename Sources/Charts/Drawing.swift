// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A picture in SVG: elements are added in drawing order, texts are escaped.
///
/// Colours follow the reader's light or dark scheme.
public struct Drawing: Sendable {
    public let width: Double
    public let height: Double
    private let title: String
    private let summary: String
    private var elements: [String] = []

    /// - Parameters:
    ///   - title: what is shown, for those who hear it read out.
    ///   - summary: what it shows, in a sentence.
    public init(width: Double, height: Double, title: String, summary: String) {
        self.width = width
        self.height = height
        self.title = title
        self.summary = summary
    }

    /// How a text is set against its position.
    public enum Anchor: String, Sendable { case start, middle, end }

    public mutating func line(from: (Double, Double), to: (Double, Double), style: String) {
        let points = "x1='\(number(from.0))' y1='\(number(from.1))' x2='\(number(to.0))' y2='\(number(to.1))'"
        elements.append("<line \(points) class='\(style)'/>")
    }

    public mutating func rectangle(
        x: Double,
        y: Double,
        width: Double,
        height: Double,
        style: String,
        hint: String? = nil
    ) {
        let box =
            "x='\(number(x))' y='\(number(y))' width='\(number(max(0, width)))' height='\(number(max(0, height)))'"
        elements.append("<rect \(box) class='\(style)'>\(tooltip(hint))</rect>")
    }

    public mutating func circle(_ centre: (Double, Double), radius: Double, style: String, hint: String? = nil) {
        let place = "cx='\(number(centre.0))' cy='\(number(centre.1))' r='\(number(radius))'"
        elements.append("<circle \(place) class='\(style)'>\(tooltip(hint))</circle>")
    }

    public mutating func polyline(_ points: [(Double, Double)], style: String) {
        let list = points.map { "\(number($0.0)),\(number($0.1))" }.joined(separator: " ")
        elements.append("<polyline points='\(list)' class='\(style)'/>")
    }

    public mutating func text(
        _ text: String,
        at place: (Double, Double),
        anchor: Anchor = .start,
        style: String = "label",
        isUpright: Bool = false
    ) {
        let (x, y) = (number(place.0), number(place.1))
        let turn = isUpright ? " transform='rotate(-90 \(x) \(y))'" : ""
        elements.append(
            "<text x='\(x)' y='\(y)' text-anchor='\(anchor.rawValue)' class='\(style)'\(turn)>\(Self.escaped(text))</text>"
        )
    }

    /// The picture as a document of its own.
    public var svg: String {
        """
        <svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 \(number(width)) \(number(height))'         width='\(number(width))' height='\(number(height))' role='img' aria-labelledby='title summary'>
        <title id='title'>\(Self.escaped(title))</title>
        <desc id='summary'>\(Self.escaped(summary))</desc>
        <style>\(Self.styles)</style>
        <rect width='100%' height='100%' class='paper'/>
        \(elements.joined(separator: "\n"))
        </svg>

        """
    }

    private static let styles = """
        text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}.note{fill:#59636e}
        .paper{fill:#fff}.axis{stroke:#59636e}.grid{stroke:#d1d9e0;stroke-width:.5}
        .ideal{stroke:#59636e;stroke-dasharray:4 4}.curve{fill:none;stroke:#0969da;stroke-width:2}
        .point{fill:#0969da}.whisker{stroke:#0969da}.bar{fill:#b6d4f5}
        .series0{fill:#9198a1}.series1{fill:#bf8700}.series2{fill:#8250df}.series3{fill:#cf222e}.series4{fill:#0969da}
        @media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.paper{fill:#0d1117}.grid{stroke:#3d444d}
        .curve,.whisker{stroke:#4493f8}.point,.series4{fill:#4493f8}.bar{fill:#1f3a5f}}
        """

    private func tooltip(_ hint: String?) -> String { hint.map { "<title>\(Self.escaped($0))</title>" } ?? "" }

    private func number(_ value: Double) -> String {
        guard value.isFinite else { return "0" }
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "'": escaped += "&#39;"
            case "\"": escaped += "&quot;"
            // XML 1.0 has no way to write other control characters.
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
