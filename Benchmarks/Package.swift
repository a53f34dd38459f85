// swift-tools-version: 6.2
// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// A package of its own, so that building Assay never builds a benchmark: swift run -c release --package-path Benchmarks

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func assay(_ names: String...) -> [Target.Dependency] { names.map { .product(name: $0, package: "assay") } }

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { .product(name: $0, package: "swift-nio") }

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "assay", path: ".."),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
    ],
    targets: [
        .executableTarget(
            name: "LedgerBenchmark",
            dependencies: assay("EmbeddedPostgres", "Ledger", "LightningPrimitives", "Migrations", "Postgres")
                + [logging],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "EvidenceBenchmark",
            dependencies: assay("EmbeddedPostgres", "Evidence", "Migrations", "Postgres", "TrustScore") + [logging],
            swiftSettings: settings
        ),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CRoughtimeBaseline", dependencies: ["COpenSSL"]),
        .executableTarget(
            name: "RoughtimeBenchmark",
            dependencies: assay("Roughtime", "RoughtimeResponder") + ["CRoughtimeBaseline", crypto, logging],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "TrustBenchmark",
            dependencies: assay(
                "Crawler",
                "EmbeddedPostgres",
                "Gzip",
                "LightningGraph",
                "LightningPrimitives",
                "Migrations",
                "Postgres"
            ) + [logging],
            swiftSettings: settings
        ),
        .target(name: "ServerProcesses", swiftSettings: settings),
        .executableTarget(
            name: "KeyShareBenchmark",
            dependencies: assay(
                "CommitReveal",
                "EmbeddedPostgres",
                "IdentityProviders",
                "IdentityTestIssuer",
                "KeyShareNode",
                "KeyShareProtocol",
                "KeyShareServer",
                "KeyShares",
                "Migrations",
                "Postgres",
                "ShareEnvelopes"
            ) + nio + [
                "ServerProcesses", crypto, lifecycle, logging, .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "SignerBenchmark",
            dependencies: assay(
                "EmbeddedPostgres",
                "FROST",
                "LightningPrimitives",
                "Migrations",
                "Nostr",
                "PasswordHashing",
                "Pomade",
                "Postgres",
                "SealedRecords",
                "Secp256k1",
                "Signer",
                "SignerServer"
            ) + nio + [
                "ServerProcesses", lifecycle, logging,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "GateBenchmark",
            dependencies: assay(
                "EmbeddedPostgres",
                "Gate",
                "Gateway",
                "IPAddresses",
                "L402",
                "LND",
                "Ledger",
                "LightningPrimitives",
                "LightningSandbox",
                "Macaroons",
                "Migrations",
                "Postgres",
                "PrometheusExposition"
            ) + nio + [crypto, httpTypes, lifecycle, logging, metrics],
            swiftSettings: settings
        ),
    ]
)
