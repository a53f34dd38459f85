// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import ServiceCatalogue

extension FuzzTarget {
    /// A services file; a request, one line each for host, method and path, may stand before a line of `---`.
    static let servicesFile = FuzzTarget(name: "ServicesFile") { input in
        let (request, file) = parts(input)
        let catalogue: Catalogue
        do throws(CatalogueError) {
            catalogue = try Catalogue(parsing: file)
        } catch {
            return require(!error.problems.isEmpty, "a refused file has a problem that can be mended")
        }
        let again = require("the same file reads", { try Catalogue(parsing: file) })
        require(again.services == catalogue.services, "as the same")
        require(Set(catalogue.services.map(\.name)).count == catalogue.services.count, "a name is one service's")

        let (host, method, path) = (
            request.first ?? "example.com", request.dropFirst().first ?? "GET", request.last ?? "/"
        )
        checkRequest(catalogue, host: host, method: method, path: path)
        for service in catalogue.services.prefix(4) {
            for route in service.routes.prefix(4) {
                require(!route.methods.names.isEmpty, "a route has a method")
                require((0...255).contains(route.tier), "a tier fits its byte")
                require(route.requestsPerInvoice >= 1, "an invoice pays for a request")
            }
        }
    }

    private static func parts(_ input: [UInt8]) -> (request: [String], file: [UInt8]) {
        let mark = Array("\n---\n".utf8)
        guard input.count <= 16_384,
            let place = input.indices.first(where: { input[$0...].starts(with: mark) })
        else { return ([], input) }
        return (lines(input[..<place]), Array(input[(place + mark.count)...]))
    }

    private static func checkRequest(_ catalogue: Catalogue, host: String, method: String, path: String) {
        guard case .found(let finding) = catalogue.match(authority: host, method: method, path: path) else { return }
        require(finding.route.methods.contains(method), "what answers a method allows it")
        require(catalogue.services.contains(finding.service), "what answers is in the file")
        let forwarded = finding.forwardedPath.utf8
        require(forwarded.first == UInt8(ascii: "/"), "a forwarded path is absolute")
        require(forwarded.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a forwarded path cannot break the request line")
        let segments = finding.forwardedPath.split(separator: "/")
        require(!segments.contains("..") && !segments.contains("."), "nothing climbs out of the backend's prefix")
        require(finding.forwardedPath.hasPrefix(finding.service.backend.path), "the backend's prefix stays")
        let explanation = catalogue.explain(authority: host, method: method, path: path, bodyBytes: nil)
        require(explanation.service == finding.service.name, "an explanation tells what answers")
    }
}
