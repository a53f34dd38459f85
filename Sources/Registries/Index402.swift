// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// The directory 402index.io.
///
/// `GET /api/v1/services?protocol=L402&limit=100&offset=`: rows of url, protocol, name, description, category, provider,
/// price_sats, http_method and its own measurements.
public enum Index402 {
    public static let standardURL = "https://402index.io"
    /// Rows of a page.
    public static let pageSize = 100

    static func path(offset: Int) -> String { "/api/v1/services?protocol=L402&limit=\(pageSize)&offset=\(offset)" }

    /// Reads a page.
    ///
    /// - Returns: `nil` when the body is no page at all.
    public static func page(_ body: [UInt8]) -> RegistryPage? {
        guard let document = ForeignRow.document(body) else { return nil }
        let rows: [Any]
        if let array = document as? [Any] {
            rows = array
        } else if let object = ForeignRow(document), let name = ["services", "data"].first(where: { object.has($0) }) {
            rows = object.array(name)
        } else {
            return nil
        }
        var page = RegistryPage()
        page.rows = rows.count
        for row in rows.prefix(pageSize * 2) { read(row, into: &page) }
        return page
    }

    private static func read(_ value: Any, into page: inout RegistryPage) {
        guard let row = ForeignRow(value) else { return page.skip("malformed") }
        guard let url = ListedURL.checked(row, skip: { page.skip($0) }) else { return }
        if let name = row.text("protocol", limit: 20), !["l402", "lsat"].contains(name.lowercased()) {
            return page.skip("protocol")
        }
        var service = ListedService(source: .index402, url: url, method: row.method("http_method"))
        service.name = row.text("name", limit: 200)
        service.description = row.text("description", limit: 1000)
        service.category = row.text("category", limit: 100)?.lowercased()
        service.provider = row.text("provider", limit: 200)
        service.price = MilliSatoshi(listedSats: row.number("price_sats", in: 0...100_000_000))
        // The uptime is a share to some rows and a percentage to others.
        let uptime = row.number("uptime_30d", in: 0...100)
        service.signals = UpstreamSignals(
            health: row.text("health_status", limit: 20)?.lowercased(),
            uptime30d: uptime.map { $0 > 1 ? $0 / 100 : $0 },
            latencyP50Ms: row.number("latency_p50_ms", in: 0...3_600_000).map { Int($0) },
            reliability: row.number("reliability_score", in: 0...100),
            lastChecked: row.time("last_checked")
        )
        page.services.append(service)
    }
}

/// The URL of a row, as far as a directory can be believed.
enum ListedURL {
    static func checked(_ row: ForeignRow, skip: (String) -> Void) -> String? {
        guard let url = row.text("url", limit: 600), url.utf8.count <= 500 else {
            skip("malformed")
            return nil
        }
        if url.contains("{") || url.contains("}") || url.lowercased().contains("%7b") || url.contains("/:") {
            skip("template")
            return nil
        }
        guard url.lowercased().hasPrefix("http://") || url.lowercased().hasPrefix("https://") else {
            skip("url")
            return nil
        }
        return url
    }
}
