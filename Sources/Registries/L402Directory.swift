// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// The directory l402.directory.
///
/// `GET /api/services?status=all`: services, each with its endpoints, prices and provider, in one answer.
public enum L402Directory {
    public static let standardURL = "https://l402.directory"

    static let path = "/api/services?status=all"

    /// Reads the answer: the paid endpoints of live services.
    ///
    /// - Returns: `nil` when the body is no list of services.
    public static func page(_ body: [UInt8]) -> RegistryPage? {
        guard let document = ForeignRow.document(body), let object = ForeignRow(document), object.has("services") else {
            return nil
        }
        var page = RegistryPage()
        for value in object.array("services").prefix(2000) {
            guard let row = ForeignRow(value) else {
                page.rows += 1
                page.skip("malformed")
                continue
            }
            read(row, into: &page)
        }
        return page
    }

    private static func read(_ row: ForeignRow, into page: inout RegistryPage) {
        let endpoints = row.array("endpoints").prefix(200)
        page.rows += endpoints.count
        guard row.text("status", limit: 20)?.lowercased() == "live" else {
            for _ in endpoints { page.skip("not_live") }
            return
        }
        let category = row.firstText("categories", limit: 100)?.lowercased()
        for value in endpoints {
            guard let endpoint = ForeignRow(value) else {
                page.skip("malformed")
                continue
            }
            guard let url = ListedURL.checked(endpoint, skip: { page.skip($0) }) else { continue }
            guard let price = price(endpoint.object("pricing")) else {
                page.skip("free")
                continue
            }
            var service = ListedService(source: .l402Directory, url: url, method: endpoint.method("method"))
            service.name = row.text("name", limit: 200)
            service.description = endpoint.text("description", limit: 1000) ?? row.text("description", limit: 1000)
            service.category = category
            service.provider = row.object("provider")?.text("name", limit: 200)
            service.providerContact = row.object("provider")?.text("contact", limit: 200)
            service.consumptionType = endpoint.object("consumption")?.text("type", limit: 40)
            service.price = price
            page.services.append(service)
        }
    }

    private static func price(_ pricing: ForeignRow?) -> MilliSatoshi? {
        guard let pricing, let amount = pricing.number("amount", in: 0...100_000_000_000) else { return nil }
        switch pricing.text("currency", limit: 10)?.lowercased() {
        case "sat", "sats", "satoshi", "satoshis", nil: return MilliSatoshi(listedSats: amount)
        case "msat", "msats": return MilliSatoshi(listedSats: amount / 1000)
        case "btc": return MilliSatoshi(listedSats: amount * 100_000_000)
        default: return nil
        }
    }
}
