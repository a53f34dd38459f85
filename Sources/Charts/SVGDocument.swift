// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A small drawing as SVG 1.1 text, built from the few shapes a chart needs.
///
/// Every text is escaped. Colours follow the reader's light or dark scheme. Numbers are written with two decimals, so
/// the same chart is always the same text.
struct SVGDocument {
    /// What a shape is, which decides its colours.
    enum Style: String {
        case axis, grid, text, muted, series0, series1, series2, series3, series4, band, ideal
    }

    /// Where a text hangs on its point.
    enum Anchor: String { case start, middle, end }

    private let width: Double
    private let height: Double
    private let title: String
    private let summary: String
    private var body = ""

    /// - Parameters:
    ///   - title: the accessible name.
    ///   - summary: what a reader who sees nothing should hear.
    init(width: Double, height: Double, title: String, summary: String) {
        self.width = width
        self.height = height
        self.title = title
        self.summary = summary
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: Style) {
        body +=
            "<line class=\"\(style.rawValue)\" x1=\"\(x1.svg)\" y1=\"\(y1.svg)\" x2=\"\(x2.svg)\" y2=\"\(y2.svg)\"/>\n"
    }

    mutating func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: Style, tip: String) {
        body += "<rect class=\"\(style.rawValue)\" x=\"\(x.svg)\" y=\"\(y.svg)\" "
        body += "width=\"\(max(0, width).svg)\" height=\"\(max(0, height).svg)\"><title>\(tip.escaped)</title></rect>\n"
    }

    mutating func circle(_ x: Double, _ y: Double, radius: Double, _ style: Style, tip: String) {
        body += "<circle class=\"\(style.rawValue)\" cx=\"\(x.svg)\" cy=\"\(y.svg)\" r=\"\(radius.svg)\">"
        body += "<title>\(tip.escaped)</title></circle>\n"
    }

    mutating func polyline(_ points: [(x: Double, y: Double)], _ style: Style) {
        let text = points.map { "\($0.x.svg),\($0.y.svg)" }.joined(separator: " ")
        body += "<polyline class=\"\(style.rawValue) path\" points=\"\(text)\"/>\n"
    }

    mutating func text(_ text: String, _ x: Double, _ y: Double, _ anchor: Anchor = .start, style: Style = .text) {
        body += "<text class=\"\(style.rawValue)\" x=\"\(x.svg)\" y=\"\(y.svg)\" text-anchor=\"\(anchor.rawValue)\">"
        body += "\(text.escaped)</text>\n"
    }

    /// A text that reads from bottom to top.
    mutating func verticalText(_ text: String, _ x: Double, _ y: Double) {
        body += "<text class=\"text\" text-anchor=\"middle\" transform=\"translate(\(x.svg) \(y.svg)) rotate(-90)\">"
        body += "\(text.escaped)</text>\n"
    }

    /// The whole drawing.
    var rendered: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width.svg) \(height.svg)" width="\(width.svg)" \
        height="\(height.svg)" role="img" aria-labelledby="title desc">
        <title id="title">\(title.escaped)</title>
        <desc id="desc">\(summary.escaped)</desc>
        <style>
        svg { --ink: #1f2933; --soft: #7b8794; --rule: #d9dee3; --paper: #ffffff; }
        @media (prefers-color-scheme: dark) {
        svg { --ink: #e4e7eb; --soft: #9aa5b1; --rule: #3e4c59; --paper: #1f2933; } }
        .paper { fill: var(--paper); }
        text { font: 12px system-ui, sans-serif; } .text { fill: var(--ink); } .muted { fill: var(--soft); }
        .axis { stroke: var(--ink); stroke-width: 1; } .grid { stroke: var(--rule); stroke-width: 1; }
        .ideal { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 4 4; }
        .band { fill: var(--soft); fill-opacity: 0.35; }
        .series0 { fill: #2f7ed8; stroke: #2f7ed8; } .series1 { fill: #9aa5b1; stroke: #9aa5b1; }
        .series2 { fill: #c77d1e; stroke: #c77d1e; } .series3 { fill: #7a6bb0; stroke: #7a6bb0; }
        .series4 { fill: #3b9c76; stroke: #3b9c76; } .path { fill: none; stroke-width: 1.5; }
        </style>
        <rect class="paper" width="\(width.svg)" height="\(height.svg)"/>
        \(body)</svg>

        """
    }
}

extension Double {
    /// At most two decimals, without an exponent; what is no number is written as 0.
    var svg: String { fixed(2) }

    /// A number with exactly so many decimals.
    func fixed(_ decimals: Int) -> String {
        guard isFinite, magnitude < 1e12 else { return "0" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int64((magnitude * scale).rounded())
        let sign = self < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(scaled)" }
        let digits = String(scaled % Int64(scale))
        return "\(sign)\(scaled / Int64(scale)).\(String(repeating: "0", count: decimals - digits.count))\(digits)"
    }
}

extension String {
    /// Safe between tags and in attribute values of XML; characters XML does not know are left out.
    var escaped: String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            case "\t", "\n", "\r": text += " "
            case _ where scalar.value < 0x20 || scalar.value == 0xFFFE || scalar.value == 0xFFFF: break
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
