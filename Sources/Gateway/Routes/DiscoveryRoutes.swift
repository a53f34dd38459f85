// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import Gate
internal import HTTPTypes
public import Ledger
internal import LightningPrimitives

/// What a service sells, as it is told to agents and directories.
public struct SoldRoute: Sendable {
    public var method: String
    /// The pattern, such as `/api/profile/{ident}`.
    public var path: String
    public var summary: String
    public var product: PaidProduct
    /// The formula where the price depends on the request; ``PaidProduct/price`` is the least then.
    public var priceFormula: String?
    /// Free requests per client network and day.
    public var freePerDay: Int

    public init(
        method: String,
        path: String,
        summary: String,
        product: PaidProduct,
        priceFormula: String? = nil,
        freePerDay: Int = 0
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.product = product
        self.priceFormula = priceFormula
        self.freePerDay = freePerDay
    }
}

/// Who is behind the service.
public struct DiscoveryFacts: Sendable {
    public var version: String
    /// The public key of signed receipts, 64 hexadecimal digits (BIP 340).
    public var receiptKey: String?
    /// The public key of attested scores, 64 hexadecimal digits (BIP 340).
    public var oracleKey: String?
    public var tokenLifetimeSeconds: Int64
    public var offersPayment: Bool
    public var deposits: DepositSchedule
    /// What 402index.io asks to be shown as proof of the domain.
    public var indexProof: String?
    /// What l402.directory asks to be shown as proof of the domain.
    public var directoryProof: String?

    public init(
        version: String,
        receiptKey: String?,
        oracleKey: String? = nil,
        tokenLifetimeSeconds: Int64,
        offersPayment: Bool,
        deposits: DepositSchedule,
        indexProof: String? = nil,
        directoryProof: String? = nil
    ) {
        self.version = version
        self.receiptKey = receiptKey
        self.oracleKey = oracleKey
        self.tokenLifetimeSeconds = tokenLifetimeSeconds
        self.offersPayment = offersPayment
        self.deposits = deposits
        self.indexProof = indexProof
        self.directoryProof = directoryProof
    }
}

/// The document at `/.well-known/l402`.
private struct Manifest: Encodable {
    struct Service: Encodable {
        let name: String
        let tiers: [Int]
        let unit = "sats"
        let routes: [Route]
    }
    struct Route: Encodable {
        let method: String
        let path: String
        let summary: String
        let capability: String
        let tier: Int
        let priceMsat: Int64
        let priceSats: Int64
        let priceFormula: String?
        let requestsPerInvoice: Int64
        let freePerDay: Int
        let schemes: [String]
    }
    struct Tier: Encodable {
        let tierId: Int
        let minDepositSats: Int64
        let rateSatsPerRequest: Double
    }
    struct Deposits: Encodable {
        let url = "/api/deposit"
        let tiers: [Tier]
    }
    struct Endpoint: Encodable {
        struct Pricing: Encodable {
            let amount: Int64
            let currency = "sats"
            let model = "per-request"
        }
        struct Consumption: Encodable { let type = "api_response" }
        let url: String
        let method: String
        let description: String
        let pricing: Pricing
        let consumption = Consumption()
    }
    let version = 1
    let name = "Assay"
    let description = "A Lightning trust oracle: what nodes and endpoints are worth, measured."
    let software: String
    let network = "lightning"
    let `protocol` = "L402"
    let schemes: [String]
    let macaroonFormat = "v2"
    let tokenLifetimeSeconds: Int64
    let receiptKey: String?
    let oracleKey: String?
    let receiptScheme = "bip340: sha256('assay/receipt/1' || payment hash || request || response || price || time)"
    let openapi = "/openapi.json"
    let services: [Service]
    let deposits: Deposits
    /// The same routes as directories list them.
    let endpoints: [Endpoint]
}

extension APIRoute {
    /// What agents and directories read before they pay.
    ///
    /// - Parameter sold: everything that is sold at the moment.
    public static func discovery(
        _ facts: DiscoveryFacts,
        sold: @escaping @Sendable () -> [SoldRoute]
    ) -> [APIRoute] {
        let manifests = ["/.well-known/l402", "/.well-known/l402-manifest.json"].map { path in
            APIRoute(
                .get,
                path,
                limiter: .discovery,
                documentation: RouteDocumentation("Services, routes, prices, tiers and schemes"),
                access: .free { request in
                    let headers: HTTPFields = [.cacheControl: "public, max-age=60"]
                    return try APIResponse.json(manifest(facts, sold(), at: origin(of: request)), headers: headers)
                }
            )
        }
        let proofs = [
            ("/.well-known/402index-verify.txt", facts.indexProof),
            ("/.well-known/l402-directory-verify.txt", facts.directoryProof),
        ].compactMap { path, proof in
            proof.map { proof in
                APIRoute(
                    .get,
                    path,
                    limiter: .discovery,
                    documentation: RouteDocumentation("Proof of the domain for a directory"),
                    access: .free { _ in APIResponse.text(proof + "\n") }
                )
            }
        }
        return manifests + proofs
    }

    /// Where the client sees this server.
    private static func origin(of request: APIRequest) -> String {
        guard let host = request.authority else { return "" }
        let scheme = request.headers[.xForwardedProto] == "https" ? "https" : "http"
        return "\(scheme)://\(host)"
    }

    private static func manifest(_ facts: DiscoveryFacts, _ sold: [SoldRoute], at origin: String) -> Manifest {
        let services = Dictionary(grouping: sold, by: \.product.service).sorted { $0.key < $1.key }
        return Manifest(
            software: "assay/\(facts.version)",
            schemes: facts.offersPayment ? ["L402", "Payment"] : ["L402"],
            tokenLifetimeSeconds: facts.tokenLifetimeSeconds,
            receiptKey: facts.receiptKey,
            oracleKey: facts.oracleKey,
            services: services.map { name, routes in
                Manifest.Service(
                    name: name,
                    tiers: Set(routes.map(\.product.tier)).sorted(),
                    routes: routes.map { route($0, facts) }
                )
            },
            deposits: Manifest.Deposits(
                tiers: facts.deposits.tiers.map {
                    Manifest.Tier(
                        tierId: $0.id,
                        minDepositSats: $0.minimumSats,
                        rateSatsPerRequest: $0.rateSatsPerRequest
                    )
                }
            ),
            endpoints: sold.map { route in
                Manifest.Endpoint(
                    url: origin + route.path,
                    method: route.method,
                    description: route.summary,
                    pricing: .init(amount: route.product.price.satCeiling)
                )
            }
        )
    }

    private static func route(_ sold: SoldRoute, _ facts: DiscoveryFacts) -> Manifest.Route {
        let product = sold.product
        var schemes: [String] = []
        if product.schemes.contains(.l402) { schemes.append("L402") }
        if facts.offersPayment, product.schemes.contains(.payment), product.requestsPerInvoice == 1 {
            schemes.append("Payment")
        }
        return Manifest.Route(
            method: sold.method,
            path: sold.path,
            summary: sold.summary,
            capability: product.capability,
            tier: product.tier,
            priceMsat: product.price.msat,
            priceSats: product.price.satCeiling,
            priceFormula: sold.priceFormula,
            requestsPerInvoice: product.requestsPerInvoice,
            freePerDay: sold.freePerDay,
            schemes: schemes
        )
    }

    /// The routes of a table that are sold.
    public static func sold(_ routes: [APIRoute]) -> [SoldRoute] {
        routes.compactMap { route in
            route.product.map { product in
                SoldRoute(
                    method: route.method.rawValue,
                    path: route.path,
                    summary: route.documentation.summary,
                    product: product
                )
            }
        }
    }
}
