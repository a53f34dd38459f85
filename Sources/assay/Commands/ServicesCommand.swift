// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import LightningPrimitives
import ServiceCatalogue
import YAML

/// Works with the file of services behind the gate.
struct ServicesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "services",
        abstract: "Check the file of services that the gate stands in front of.",
        subcommands: [Check.self]
    )

    /// Checks a services file and explains prices.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a services file, list its routes and prices, or explain what one request would cost.",
            discussion: """
                Reads nothing but the file: backends are not contacted, and files with secrets or authorities are only \
                looked for. Exits with 78 when the file is not valid, and then names every problem with its line.
                """
        )

        @Argument(help: "The services file (YAML), as ASSAY_SERVICES_FILE names it.")
        var file: String

        @Option(help: "Explain what a request to this URL would cost, and why.")
        var url: String?

        @Option(help: "The request's method.")
        var method = "GET"

        @Option(help: "Bytes of the request's body; 'unknown' for one that comes in chunks.")
        var bodySize = "0"

        @Flag(help: "Print JSON.")
        var json = false

        func validate() throws {
            guard bodySize == "unknown" || Int(bodySize).map({ $0 >= 0 }) == true else {
                throw ValidationError("--body-size is a number of bytes, or 'unknown'")
            }
        }

        func run() throws {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw Failure(Failure.configuration, "\(file) does not exist or cannot be read")
            }
            let catalogue: Catalogue
            do throws(CatalogueError) {
                catalogue = try Catalogue(parsing: Array(data))
            } catch {
                try refuse(error)
            }
            warnAboutFiles(catalogue)
            guard let url else { return list(catalogue) }
            try explain(catalogue, url)
        }

        private func refuse(_ error: CatalogueError) throws -> Never {
            if json {
                let problems = error.problems.map { problem in
                    ProblemJSON(
                        line: problem.mark.line,
                        column: problem.mark.column,
                        key: problem.key,
                        reason: problem.reason
                    )
                }
                say(ReportJSON(valid: false, problems: problems, services: nil))
            }
            let lines = error.problems.map { "\(file):\($0.mark.line):\($0.mark.column): " + text($0) }
            throw Failure(Failure.configuration, "the services are not valid:\n" + lines.joined(separator: "\n"))
        }

        private func text(_ problem: CatalogueProblem) -> String {
            problem.key.isEmpty ? problem.reason : "\(problem.key): \(problem.reason)"
        }

        /// The file may be checked on another machine than the one that serves, so this is no error.
        private func warnAboutFiles(_ catalogue: Catalogue) {
            let directory = URL(fileURLWithPath: file).deletingLastPathComponent()
            for path in Set(catalogue.services.flatMap(\.files)).sorted() {
                let place = path.hasPrefix("/") ? path : directory.appendingPathComponent(path).path
                if !FileManager.default.isReadableFile(atPath: place) {
                    Terminal.note("warning: \(place) does not exist here or cannot be read")
                }
            }
        }

        // MARK: The list

        private func list(_ catalogue: Catalogue) {
            guard !json else {
                return say(ReportJSON(valid: true, problems: [], services: catalogue.services.map(ServiceJSON.init)))
            }
            for service in catalogue.services {
                let hosts =
                    service.hosts.isEmpty ? "any host" : service.hosts.map(\.description).joined(separator: ", ")
                Terminal.say("\(service.name)  (\(hosts)) -> \(service.backend)")
                let rows = service.routes.map { route in
                    [
                        route.methods.names.joined(separator: ","), route.pattern.description, route.price.summary,
                        "capability \(route.capability)", "tier \(route.tier)", "auth \(route.auth.rawValue)",
                        note(service, route),
                    ]
                }
                for line in Self.table(rows) { Terminal.say("  " + line) }
            }
        }

        private func note(_ service: CatalogueService, _ route: CatalogueRoute) -> String {
            var notes: [String] = []
            if route.requestsPerInvoice > 1 { notes.append("\(route.requestsPerInvoice) requests per invoice") }
            let free = route.freePerDay ?? service.freePerDay
            if free > 0, !route.price.isFree { notes.append("\(free) free per day") }
            return notes.joined(separator: ", ")
        }

        /// Columns as wide as their widest cell.
        private static func table(_ rows: [[String]]) -> [String] {
            let count = rows.map(\.count).max() ?? 0
            let widths = (0..<count).map { column in rows.map { $0[column].count }.max() ?? 0 }
            return rows.map { row in
                let cells = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }
                return cells.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
            }
        }

        // MARK: One request

        private func explain(_ catalogue: Catalogue, _ url: String) throws {
            guard let parts = URLComponents(string: url), parts.percentEncodedPath.isEmpty == false || parts.host != nil
            else { throw ValidationError("'\(url)' is not a URL") }
            let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
            let explanation = catalogue.explain(
                authority: parts.host,
                method: method.uppercased(),
                path: path,
                bodyBytes: Int(bodySize)
            )
            guard !json else { return say(ExplanationJSON(explanation)) }
            for (index, step) in explanation.steps.enumerated() { Terminal.say("\(index + 1). \(step)") }
            let price = explanation.price.map { $0 == .zero ? "" : " \($0.msat) msat" } ?? ""
            Terminal.say("=> \(explanation.outcome.rawValue)\(price)")
        }

        private func say(_ value: some Encodable) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            guard let data = try? encoder.encode(value) else { return }
            Terminal.say(String(decoding: data, as: UTF8.self))
        }
    }
}

private struct ReportJSON: Encodable {
    let valid: Bool
    let problems: [ProblemJSON]
    let services: [ServiceJSON]?
}

private struct ProblemJSON: Encodable {
    let line: Int
    let column: Int
    let key: String
    let reason: String
}

private struct ServiceJSON: Encodable {
    struct Route: Encodable {
        let path: String
        let methods: [String]
        let price: String
        let capability: String
        let tier: Int
        let auth: String
        let schemes: [String]
        let requestsPerInvoice: Int64
        let freePerDay: Int
    }

    let name: String
    let hosts: [String]
    let backend: String
    let routes: [Route]

    init(_ service: CatalogueService) {
        name = service.name
        hosts = service.hosts.map(\.description)
        backend = service.backend.description
        routes = service.routes.map { route in
            Route(
                path: route.pattern.description,
                methods: route.methods.names,
                price: route.price.summary,
                capability: route.capability,
                tier: route.tier,
                auth: route.auth.rawValue,
                schemes: route.schemes.map(\.rawValue).sorted(),
                requestsPerInvoice: route.requestsPerInvoice,
                freePerDay: route.freePerDay ?? service.freePerDay
            )
        }
    }
}

private struct ExplanationJSON: Encodable {
    let outcome: String
    let priceMsat: Int64?
    let service: String?
    let route: String?
    let capability: String?
    let upstream: String?
    let steps: [String]

    init(_ explanation: CatalogueExplanation) {
        outcome = explanation.outcome.rawValue
        priceMsat = explanation.price?.msat
        service = explanation.service
        route = explanation.route
        capability = explanation.capability
        upstream = explanation.upstream
        steps = explanation.steps
    }
}
