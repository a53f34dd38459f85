// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import YAML

extension Catalogue {
    /// Reads a services file.
    ///
    /// - Throws: ``CatalogueError`` with everything that is wrong.
    public init(parsing bytes: [UInt8]) throws(CatalogueError) {
        let root: YAMLNode
        do throws(YAMLError) {
            root = try YAMLNode(parsing: bytes)
        } catch {
            throw CatalogueError([CatalogueProblem(error.mark, key: "", error.reason)])
        }
        let problems = ProblemList()
        let services = Self.services(root, problems)
        Self.checkNames(services, problems)
        Self.checkRoutes(services, problems)
        guard problems.problems.isEmpty else {
            throw CatalogueError(
                problems.problems.sorted { ($0.mark.line, $0.mark.column) < ($1.mark.line, $1.mark.column) }
            )
        }
        self.init(services: services.map(\.service))
    }

    /// A service and where its name stands.
    private typealias Placed = (service: CatalogueService, mark: YAMLMark, place: String)

    private static func services(_ root: YAMLNode, _ problems: ProblemList) -> [Placed] {
        guard var reader = MappingReader(root, "", problems) else { return [] }
        let remedy = "services, each with name, backend and routes"
        let nodes = reader.require("services", "write \(remedy)").map { reader.items($0, "services", remedy) } ?? []
        reader.finish()
        return nodes.enumerated().compactMap { index, node in
            let place = "services[\(index)]"
            return service(node, place, problems).map { ($0, node.mark, place) }
        }
    }

    private static func service(_ node: YAMLNode, _ place: String, _ problems: ProblemList) -> CatalogueService? {
        guard var reader = MappingReader(node, place, problems) else { return nil }
        let nameRemedy = "a name of a-z, 0-9 and '-', at most 32; it stands in the tokens"
        let name = reader.require("name", "write \(nameRemedy)")
            .flatMap { reader.scalar($0, "name", nameRemedy, ServiceReading.name) }
        let hosts = reader.list("hosts", "host names without port, or *.name", { HostPattern($0) }) ?? []
        let backendRemedy = "https://HOST[:PORT][/PATH] or http://..., without user, query and fragment"
        let backend = reader.require("backend", "write \(backendRemedy)")
            .flatMap { reader.scalar($0, "backend", backendRemedy, ServiceReading.backend) }
        let tls = ServiceReading.tls(&reader, for: backend)
        let timeouts = ServiceReading.timeouts(&reader)
        let requestHeaders = ServiceReading.headers(&reader, "request_headers")
        let responseHeaders = ServiceReading.headers(&reader, "response_headers")
        let prefix = ServiceReading.strippedPrefix(&reader)
        let bodyLimit = reader.value("body_limit", "a size such as 64KiB, 10MiB or 1GiB", Quantity.size) ?? 10 << 20
        let lifetime = reader.value(
            "token_lifetime",
            "a time such as 12h or 30d, at least 60s",
            ServiceReading.lifetime
        )
        let free = reader.value("free_per_day", "a whole number from 0 to 1000000000", ServiceReading.dayCount) ?? 0
        let limits = ServiceReading.limits(&reader)
        let routes = ServiceReading.routes(&reader)
        reader.finish()
        guard let name, let backend else { return nil }
        return CatalogueService(
            name: name,
            hosts: hosts,
            backend: backend,
            tls: tls,
            timeouts: timeouts,
            requestHeaders: requestHeaders,
            responseHeaders: responseHeaders,
            strippedPrefix: prefix,
            bodyLimit: bodyLimit,
            tokenLifetimeSeconds: lifetime,
            freePerDay: free,
            limits: limits,
            routes: routes
        )
    }

    private static func checkNames(_ services: [Placed], _ problems: ProblemList) {
        var seen: [String: YAMLMark] = [:]
        for (service, mark, place) in services {
            if service.name == "assay" {
                problems.add(mark, "\(place).name", "'assay' is this program's own service; choose another name")
            }
            if let first = seen.updateValue(mark, forKey: service.name) {
                problems.add(mark, "\(place).name", "'\(service.name)' is taken by the service in line \(first.line)")
            }
        }
    }

    /// Two routes that match the same requests of one host are a contradiction, wherever they stand.
    private static func checkRoutes(_ services: [Placed], _ problems: ProblemList) {
        var seen: [String: [(shape: [String], route: CatalogueRoute)]] = [:]
        for (service, _, place) in services {
            for (index, route) in service.routes.enumerated() {
                let key = "\(place).routes[\(index)]"
                if !route.pattern.literalPrefix.starts(with: service.strippedPrefix) {
                    let prefix = "/" + service.strippedPrefix.joined(separator: "/")
                    problems.add(route.mark, "\(key).path", "does not begin with strip_path_prefix \(prefix)")
                }
                let shape = route.pattern.shape
                let hosts = service.hosts.isEmpty ? ["any host"] : service.hosts.map(\.description)
                for host in hosts {
                    let other = seen[host]?.first { $0.shape == shape && $0.route.methods.overlaps(route.methods) }
                    if let other {
                        let line = other.route.mark.line
                        let reason =
                            "matches the same requests of \(host) as the route in line \(line); keep one of them"
                        problems.add(route.mark, key, reason)
                        break
                    }
                }
                for host in hosts { seen[host, default: []].append((shape, route)) }
            }
        }
    }
}

extension ServiceReading {
    static func strippedPrefix(_ reader: inout MappingReader) -> [String] {
        reader.value("strip_path_prefix", "a path of plain segments, such as /weather") { text -> [String]? in
            guard let pattern = try? RoutePattern(text), pattern.isLiteral else { return nil }
            return pattern.literalPrefix
        } ?? []
    }

    static func lifetime(_ text: String) -> Int64? {
        Quantity.duration(text).map(\.components.seconds).flatMap { (60...315_360_000).contains($0) ? $0 : nil }
    }

    static func dayCount(_ text: String) -> Int? {
        Int(text).flatMap { (0...1_000_000_000).contains($0) ? $0 : nil }
    }

    static func routes(_ reader: inout MappingReader) -> [CatalogueRoute] {
        let remedy = "routes, each with path and price"
        guard let node = reader.require("routes", "write \(remedy)") else { return [] }
        return reader.items(node, "routes", remedy).enumerated().compactMap { index, node in
            RouteReading.route(node, reader.path("routes[\(index)]"), reader.problems)
        }
    }
}
