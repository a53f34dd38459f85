// swift-tools-version: 6.2
// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.init(stringLiteral: name)] + dependencies,
        resources: resources,
        swiftSettings: settings
    )
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let swiftASN1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes: Target.Dependency = .product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioFoundation: Target.Dependency = .product(name: "NIOFoundationCompat", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let orderedCollections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let configuration: Target.Dependency = .product(name: "Configuration", package: "swift-configuration")

let package = Package(
    name: "assay",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "assay", targets: ["assay"]),
        // What Benchmarks and Fuzz use.
        .library(name: "Bolt11", targets: ["Bolt11"]),
        .library(name: "ByteCoding", targets: ["ByteCoding"]),
        .library(name: "EmbeddedPostgres", targets: ["EmbeddedPostgres"]),
        .library(name: "Evidence", targets: ["Evidence"]),
        .library(name: "Gate", targets: ["Gate"]),
        .library(name: "Gateway", targets: ["Gateway"]),
        .library(name: "IPAddresses", targets: ["IPAddresses"]),
        .library(name: "L402", targets: ["L402"]),
        .library(name: "LND", targets: ["LND"]),
        .library(name: "FROST", targets: ["FROST"]),
        .library(name: "Gzip", targets: ["Gzip"]),
        .library(name: "LightningGraph", targets: ["LightningGraph"]),
        .library(name: "Crawler", targets: ["Crawler"]),
        .library(name: "Ledger", targets: ["Ledger"]),
        .library(name: "LightningPrimitives", targets: ["LightningPrimitives"]),
        .library(name: "LightningSandbox", targets: ["LightningSandbox"]),
        .library(name: "Macaroons", targets: ["Macaroons"]),
        .library(name: "Nostr", targets: ["Nostr"]),
        .library(name: "Migrations", targets: ["Migrations"]),
        .library(name: "PaymentSimulation", targets: ["PaymentSimulation"]),
        .library(name: "Charts", targets: ["Charts"]),
        .library(name: "ServiceProbing", targets: ["ServiceProbing"]),
        .library(name: "ServiceChecks", targets: ["ServiceChecks"]),
        .library(name: "Registries", targets: ["Registries"]),
        .library(name: "OutboundHTTP", targets: ["OutboundHTTP"]),
        .library(name: "PaymentAuthentication", targets: ["PaymentAuthentication"]),
        .library(name: "Postgres", targets: ["Postgres"]),
        .library(name: "PrometheusExposition", targets: ["PrometheusExposition"]),
        .library(name: "PurchaseReceipts", targets: ["PurchaseReceipts"]),
        .library(name: "Roughtime", targets: ["Roughtime"]),
        .library(name: "RoughtimeKeys", targets: ["RoughtimeKeys"]),
        .library(name: "RoughtimeResponder", targets: ["RoughtimeResponder"]),
        .library(name: "Secp256k1", targets: ["Secp256k1"]),
        .library(name: "PasswordHashing", targets: ["PasswordHashing"]),
        .library(name: "Pomade", targets: ["Pomade"]),
        .library(name: "PomadeClient", targets: ["PomadeClient"]),
        .library(name: "SealedRecords", targets: ["SealedRecords"]),
        .library(name: "Signer", targets: ["Signer"]),
        .library(name: "SignerServer", targets: ["SignerServer"]),
        .library(name: "SigningRounds", targets: ["SigningRounds"]),
        .library(name: "ReleaseFormat", targets: ["ReleaseFormat"]),
        .library(name: "ServiceCatalogue", targets: ["ServiceCatalogue"]),
        .library(name: "BackupContainers", targets: ["BackupContainers"]),
        .library(name: "CommitReveal", targets: ["CommitReveal"]),
        .library(name: "IdentityProviders", targets: ["IdentityProviders"]),
        .library(name: "IdentityTestIssuer", targets: ["IdentityTestIssuer"]),
        .library(name: "KeyShareNode", targets: ["KeyShareNode"]),
        .library(name: "KeyShareProtocol", targets: ["KeyShareProtocol"]),
        .library(name: "KeyShareServer", targets: ["KeyShareServer"]),
        .library(name: "KeyShares", targets: ["KeyShares"]),
        .library(name: "ShareEnvelopes", targets: ["ShareEnvelopes"]),
        .library(name: "TrustScore", targets: ["TrustScore"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1.git", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections.git", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration.git", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1"),
        .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", exact: "1.0.2", traits: []),
    ],
    targets: [
        // Layer 1: wire formats and mathematics. Pure: no I/O, no clock, no network.
        module("ByteCoding"),
        module("BackgroundWork"),
        module("RequestLimits", [orderedCollections]),
        module("Deadlines"),
        tests("Deadlines"),
        tests("ByteCoding"),
        module("LightningPrimitives", ["ByteCoding", crypto]),
        tests("LightningPrimitives", ["ByteCoding"]),
        module("Macaroons", ["ByteCoding", crypto]),
        tests("Macaroons", ["ByteCoding", crypto], resources: [.copy("Vectors")]),
        .systemLibrary(
            name: "CSecp256k1",
            pkgConfig: "libsecp256k1",
            providers: [.apt(["libsecp256k1-dev"]), .brew(["secp256k1"])]
        ),
        module("Secp256k1", ["CSecp256k1", "LightningPrimitives"]),
        tests("Secp256k1", ["ByteCoding"], resources: [.copy("Vectors")]),
        module("FROST", ["Secp256k1", crypto]),
        tests("FROST", ["ByteCoding", "Secp256k1", crypto], resources: [.copy("Vectors")]),
        module("Pomade", ["ByteCoding", "FROST", "Nostr", "Secp256k1", crypto]),
        tests("Pomade", ["ByteCoding", "FROST", "Nostr", "Secp256k1", crypto], resources: [.copy("Vectors")]),
        module("SigningRounds", ["ByteCoding", "FROST", "Pomade", "Secp256k1", deque]),
        tests(
            "SigningRounds",
            ["FROST", "Pomade", "Secp256k1", crypto, subprocess],
            resources: [.copy("Vectors")]
        ),
        module("Bolt11", ["ByteCoding", "LightningPrimitives", "Secp256k1", crypto]),
        tests("Bolt11", ["ByteCoding", "LightningPrimitives", "Secp256k1"], resources: [.copy("Vectors")]),
        .systemLibrary(
            name: "CSodium",
            pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]
        ),
        .systemLibrary(
            name: "CArgon2",
            pkgConfig: "libargon2",
            providers: [.apt(["libargon2-dev"]), .brew(["argon2"])]
        ),
        module("Nostr", ["ByteCoding", "CSodium", "LightningPrimitives", "Secp256k1", crypto, deque]),
        tests("Nostr", ["ByteCoding", "LightningPrimitives", "Secp256k1", crypto], resources: [.copy("Vectors")]),
        module("KeyShares", ["ByteCoding", "CSodium", "Secp256k1", crypto]),
        tests("KeyShares", ["ByteCoding", "Secp256k1", crypto], resources: [.copy("Vectors")]),
        module("ShareEnvelopes", ["ByteCoding", "KeyShares", "Secp256k1", crypto, cryptoExtras]),
        tests("ShareEnvelopes", ["ByteCoding", "KeyShares", crypto], resources: [.copy("Vectors")]),
        module("BackupContainers", ["ByteCoding", "ShareEnvelopes", crypto]),
        tests("BackupContainers", ["ByteCoding", "ShareEnvelopes", crypto], resources: [.copy("Vectors")]),
        module("CommitReveal", ["ByteCoding", "CSodium", "Secp256k1", crypto]),
        tests("CommitReveal", ["ByteCoding", crypto], resources: [.copy("Vectors")]),
        module("AuditChains", ["ByteCoding", crypto]),
        tests("AuditChains", ["ByteCoding", crypto], resources: [.copy("Vectors")]),
        module("KeyShareProtocol", ["ByteCoding", "CommitReveal", "KeyShares"]),
        tests("KeyShareProtocol", ["ByteCoding", "CommitReveal", "KeyShares", crypto]),
        module("PasswordHashing", ["CArgon2", deque]),
        tests("PasswordHashing", ["ByteCoding"], resources: [.copy("Vectors")]),
        module("IPAddresses"),
        tests("IPAddresses"),
        module("L402", ["ByteCoding", "IPAddresses", "LightningPrimitives", "Macaroons", crypto]),
        tests(
            "L402",
            ["ByteCoding", "IPAddresses", "LightningPrimitives", "Macaroons"],
            resources: [.copy("Vectors")]
        ),
        module("PaymentAuthentication", ["ByteCoding", "L402", "LightningPrimitives", crypto]),
        tests("PaymentAuthentication", ["ByteCoding", "L402", "LightningPrimitives"], resources: [.copy("Vectors")]),
        module("PurchaseReceipts", ["ByteCoding", "LightningPrimitives", "Secp256k1", crypto]),
        tests(
            "PurchaseReceipts",
            ["ByteCoding", "LightningPrimitives", "Secp256k1", crypto],
            resources: [.copy("Vectors")]
        ),

        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        module("Gzip", ["CZlib"]),
        tests("Gzip"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        module("YAML", ["CYAML"]),
        tests("YAML"),
        module("ServiceCatalogue", ["L402", "LightningPrimitives", "YAML"]),
        tests("ServiceCatalogue", ["LightningPrimitives", "YAML"]),
        module("LightningGraph", ["LightningPrimitives"]),
        tests("LightningGraph", ["Gzip", "LightningPrimitives"], resources: [.copy("Vectors")]),
        module("Charts"),
        tests("Charts"),
        module("PaymentSimulation", ["Charts", "LightningGraph", "LightningPrimitives", "TrustScore"]),
        tests("PaymentSimulation", ["Gzip", "LightningGraph", "LightningPrimitives", "TrustScore"]),
        module("TrustScore"),
        tests("TrustScore", [crypto], resources: [.copy("Vectors")]),
        module(
            "ServiceChecks",
            ["Bolt11", "ByteCoding", "IPAddresses", "L402", "LightningPrimitives", "Macaroons", "TrustScore", crypto]
        ),
        tests(
            "ServiceChecks",
            ["Bolt11", "ByteCoding", "L402", "LightningPrimitives", "Macaroons", "TrustScore"],
            resources: [.copy("Vectors")]
        ),
        .target(name: "CSHA512"),
        module("Roughtime", ["ByteCoding", "CSHA512", crypto]),
        tests("Roughtime", ["ByteCoding", crypto], resources: [.copy("Vectors")]),
        module("Settings", [configuration]),
        tests("Settings"),
        module("ReleaseFormat", ["ByteCoding", crypto]),
        tests("ReleaseFormat", ["ByteCoding", crypto], resources: [.copy("Vectors")]),

        // Layer 2: clients of real systems.
        .systemLibrary(name: "CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(name: "CLinux"),
        module("Postgres", ["CPQ", "CLinux", logging, metrics, lifecycle, deque]),
        tests("Postgres", ["PostgresTestSupport", logging, metrics]),
        module("EmbeddedPostgres", [logging, lifecycle, subprocess]),
        tests("EmbeddedPostgres", ["Postgres", logging, lifecycle]),
        // Used by tests only.
        module("TLSTestSupport", [crypto, nioSSL, swiftASN1, x509]),
        module("PostgresTestSupport", ["EmbeddedPostgres", "Migrations", "Postgres", logging]),
        .executableTarget(name: "MigrationEmbedder", swiftSettings: settings),
        .plugin(name: "EmbedMigrations", capability: .buildTool(), dependencies: ["MigrationEmbedder"]),
        .target(
            name: "Migrations",
            dependencies: ["ByteCoding", "Postgres", crypto, logging],
            swiftSettings: settings,
            plugins: ["EmbedMigrations"]
        ),
        tests("Migrations", ["Postgres", "PostgresTestSupport"]),
        module(
            "HTTPEdge",
            [
                "IPAddresses", httpTypes, hummingbird, hummingbirdCore, logging, nioCore, nioHTTP1, nioHTTPTypes,
            ]
        ),
        module("SealedRecords", ["ByteCoding", "CSodium", "Nostr", "Secp256k1", crypto]),
        tests("SealedRecords", ["ByteCoding", "Nostr", "Secp256k1", crypto], resources: [.copy("Vectors")]),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        module(
            "Mail",
            [
                "ByteCoding", "CCurl", "Settings", httpClient, lifecycle, logging, metrics, nioCore, nioHTTP1, nioPosix,
            ]
        ),
        tests(
            "Mail",
            [
                "ByteCoding", "Settings", "TLSTestSupport", hummingbird, httpTypes, lifecycle, logging, nioCore,
                nioPosix,
                subprocess, system,
            ],
            resources: [.copy("Fixtures")]
        ),
        module("WatchedFiles", [lifecycle, nioPosix]),
        tests("WatchedFiles", [lifecycle]),
        .target(name: "CDatagrams"),
        module("RoughtimeLink", ["Roughtime", nioCore, nioPosix]),
        module(
            "RoughtimeClient",
            [
                "ByteCoding", "IPAddresses", "OutboundHTTP", "Roughtime", httpClient, nioCore,
                nioFoundation, nioHTTP1, nioPosix,
            ]
        ),
        tests(
            "RoughtimeClient",
            ["ByteCoding", "IPAddresses", "OutboundHTTP", "Roughtime", crypto, nioCore, nioHTTP1, nioPosix]
        ),
        module(
            "LND",
            [
                "ByteCoding", "Deadlines", "LightningPrimitives", "WatchedFiles", httpClient, lifecycle, logging,
                metrics,
                nioCore, nioFoundation, nioHTTP1, nioSSL,
            ]
        ),
        module(
            "ReverseProxy",
            ["Deadlines", httpClient, httpTypes, nioCore, nioHTTP1, nioPosix, nioSSL]
        ),
        tests("ReverseProxy", ["TLSTestSupport", httpTypes, nioCore, nioPosix, nioSSL]),
        module("OutboundHTTP", ["Deadlines", "IPAddresses", nioCore, nioHTTP1, nioPosix, nioSSL]),
        tests(
            "OutboundHTTP",
            ["IPAddresses", "TLSTestSupport", nioCore, nioHTTP1, nioPosix, nioSSL]
        ),
        module("Registries", ["ByteCoding", "LightningPrimitives", "OutboundHTTP"]),
        tests(
            "Registries",
            ["IPAddresses", "LightningPrimitives", "OutboundHTTP", hummingbird, logging, nioCore],
            resources: [.copy("Fixtures")]
        ),
        module("Releases", ["ByteCoding", "Deadlines", "ReleaseFormat", crypto, subprocess, system]),
        tests("Releases", ["ReleaseFormat", crypto]),
        module("RoughtimeKeys", ["ByteCoding", "CLinux", "Deadlines", "Roughtime", crypto, subprocess, system]),
        tests("RoughtimeKeys", ["ByteCoding", "CLinux", "Roughtime", crypto]),
        module("PrometheusExposition", [coreMetrics]),
        module("DailyLogs", [logging]),
        tests("DailyLogs", [logging]),
        tests("PrometheusExposition", [coreMetrics]),

        module(
            "IdentityProviders",
            [
                "ByteCoding", "Deadlines", "Nostr", crypto, cryptoExtras, deque, httpClient, nioCore, nioHTTP1,
            ]
        ),
        // A login provider of the loopback, for development and tests.
        module(
            "IdentityTestIssuer",
            ["ByteCoding", crypto, cryptoExtras, hummingbird, httpTypes, lifecycle, logging, nioCore]
        ),
        tests(
            "IdentityProviders",
            [
                "ByteCoding", "IdentityTestIssuer", "LightningPrimitives", "Nostr", "Secp256k1", crypto, cryptoExtras,
                httpClient, logging, nioCore, nioHTTP1, nioPosix,
            ],
            resources: [.copy("Vectors")]
        ),

        // Layer 3: services.
        module(
            "Ledger",
            ["ByteCoding", "LightningPrimitives", "Postgres", crypto, logging, metrics, lifecycle, deque]
        ),
        tests(
            "Ledger",
            ["LightningPrimitives", "Postgres", "PostgresTestSupport", "LedgerCrashProbe", logging, subprocess]
        ),
        // A process for the ledger's tests to kill.
        .executableTarget(
            name: "LedgerCrashProbe",
            dependencies: ["Ledger", "LightningPrimitives", "Postgres", logging],
            path: "Tests/LedgerCrashProbe",
            swiftSettings: settings
        ),
        module("Evidence", ["ByteCoding", "IPAddresses", "Postgres", "TrustScore", metrics]),
        tests("Evidence", ["Postgres", "PostgresTestSupport", "TrustScore", logging]),
        module(
            "Crawler",
            [
                "BackgroundWork", "ByteCoding", "Deadlines", "Evidence", "LightningGraph", "LightningPrimitives",
                "Postgres",
                "TrustScore", crypto,
                lifecycle, logging, metrics,
            ]
        ),
        tests(
            "Crawler",
            [
                "ByteCoding", "Evidence", "Gzip", "JobCrashProbe", "LightningGraph", "LightningPrimitives", "Postgres",
                "PostgresTestSupport",
                "TrustScore", crypto, logging, metrics, subprocess,
            ]
        ),
        // A process for the tests of jobs to kill.
        .executableTarget(
            name: "JobCrashProbe",
            dependencies: ["Crawler", "Postgres", logging],
            path: "Tests/JobCrashProbe",
            swiftSettings: settings
        ),
        module(
            "Gate",
            [
                "Bolt11", "ByteCoding", "IPAddresses", "L402", "LND", "Ledger", "LightningPrimitives", "Macaroons",
                "PaymentAuthentication", "RequestLimits", crypto, deque, orderedCollections, lifecycle,
                logging,
                metrics,
            ]
        ),
        tests("Gate", ["ByteCoding", "IPAddresses", "L402", "LightningPrimitives", "RequestLimits", crypto]),
        module(
            "Oracle",
            [
                "BackgroundWork", "Evidence", "LightningPrimitives", "Postgres", "TrustScore", crypto, lifecycle,
                logging,
                metrics,
            ]
        ),
        tests(
            "Oracle",
            [
                "BackgroundWork", "ByteCoding", "Crawler", "Evidence", "Gzip", "LightningPrimitives", "Postgres",
                "PostgresTestSupport", "TrustScore", crypto, logging,
            ]
        ),
        module(
            "L402Client",
            ["Bolt11", "Deadlines", "L402", "LND", "LightningPrimitives", httpClient, nioCore, nioHTTP1]
        ),
        module(
            "PomadeClient",
            [
                "ByteCoding", "Deadlines", "FROST", "IPAddresses", "LightningPrimitives", "Nostr", "PasswordHashing",
                "Pomade",
                "Secp256k1", crypto, deque, httpClient, lifecycle, logging, metrics, nioCore, nioHTTP1,
            ]
        ),
        tests(
            "PomadeClient",
            [
                "LightningPrimitives", "Nostr", "PasswordHashing", "Pomade", "Secp256k1", "SigningRounds", httpTypes,
                hummingbird, logging, nioCore,
            ]
        ),
        module(
            "ServiceProbing",
            [
                "BackgroundWork", "Bolt11", "ByteCoding", "Crawler", "Deadlines", "Evidence", "LND",
                "LightningPrimitives", "OutboundHTTP", "Postgres", "Registries", "ServiceChecks", "TrustScore", crypto,
                lifecycle, logging, metrics,
            ]
        ),
        tests(
            "ServiceProbing",
            [
                "Bolt11", "ByteCoding", "Crawler", "Evidence", "IPAddresses", "L402", "LND", "LightningPrimitives",
                "LightningSandbox", "Macaroons", "OutboundHTTP", "Postgres", "PostgresTestSupport", "Registries",
                "Secp256k1", "ServiceChecks", "TrustScore", "SpendCrashProbe", hummingbird, httpTypes, logging, nioCore,
                subprocess,
            ]
        ),
        // A process for the tests of spending to kill.
        .executableTarget(
            name: "SpendCrashProbe",
            dependencies: ["Bolt11", "LND", "LightningPrimitives", "Postgres", "ServiceProbing", logging],
            path: "Tests/SpendCrashProbe",
            swiftSettings: settings
        ),
        module(
            "RoughtimeResponder",
            [
                "ByteCoding", "CDatagrams", "CLinux", "Roughtime", "RoughtimeKeys", "RoughtimeLink", crypto, deque,
                lifecycle, logging, metrics, nioCore, nioPosix,
            ]
        ),
        tests(
            "RoughtimeResponder",
            [
                "ByteCoding", "Roughtime", "RoughtimeKeys", "RoughtimeLink", crypto, lifecycle,
                logging, nioCore, nioEmbedded, subprocess, system,
            ]
        ),
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
        // A process whose allocations are counted. Counting takes malloc's place, so no test may be linked with it.
        .executableTarget(
            name: "AllocationProbe",
            dependencies: ["CAllocationCount", "Roughtime", "RoughtimeResponder", crypto, logging],
            path: "Tests/AllocationProbe",
            swiftSettings: settings
        ),
        module(
            "Signer",
            [
                "ByteCoding", "FROST", "IPAddresses", "Nostr", "Pomade", "Postgres", "RequestLimits", "SealedRecords",
                "Secp256k1", "SigningRounds", crypto, lifecycle, logging, metrics, orderedCollections,
            ]
        ),
        tests(
            "Signer",
            [
                "ByteCoding", "FROST", "IPAddresses", "LightningPrimitives", "Migrations", "Nostr", "Pomade",
                "Postgres",
                "PostgresTestSupport", "SealedRecords", "Secp256k1", "SigningRounds", crypto, logging,
            ]
        ),
        module(
            "KeyShareNode",
            [
                "AuditChains", "BackgroundWork", "ByteCoding", "CLinux", "CommitReveal", "IdentityProviders",
                "KeyShareProtocol", "KeyShares", "Migrations", "Postgres", "Secp256k1", "ShareEnvelopes", crypto,
                cryptoExtras, lifecycle, logging, metrics,
            ]
        ),
        tests(
            "KeyShareNode",
            [
                "AuditChains", "ByteCoding", "CommitReveal", "IdentityProviders", "KeyShareProtocol", "KeyShares",
                "Migrations", "Postgres", "PostgresTestSupport", "ShareEnvelopes", crypto, logging, metrics,
            ],
            resources: [.copy("Vectors")]
        ),
        module(
            "KeyShareBackups",
            [
                "BackupContainers", "ByteCoding", "Deadlines", "KeyShareNode", "KeyShareProtocol",
                "Postgres",
                crypto, httpClient, lifecycle, logging, metrics, nioCore, nioHTTP1, nioPosix, subprocess,
                system,
            ]
        ),
        tests(
            "KeyShareBackups",
            [
                "BackupContainers", "BackupCrashProbe", "ByteCoding", "IdentityProviders", "KeyShareNode",
                "KeyShareProtocol",
                "KeyShares", "Migrations", "Postgres", "PostgresTestSupport", "ShareEnvelopes", crypto, logging,
                subprocess,
                system,
            ]
        ),
        // A process for the tests of backups to kill.
        .executableTarget(
            name: "BackupCrashProbe",
            dependencies: [
                "BackupContainers", "IdentityProviders", "KeyShareBackups", "KeyShareNode", "KeyShareProtocol",
                "Postgres",
                "ShareEnvelopes",
                logging,
            ],
            path: "Tests/BackupCrashProbe",
            swiftSettings: settings
        ),
        module(
            "KeyShareWatch",
            ["ByteCoding", "Postgres", crypto, httpClient, lifecycle, logging, metrics, nioCore, nioHTTP1]
        ),
        tests(
            "KeyShareWatch",
            ["ByteCoding", "Postgres", "PostgresTestSupport", crypto, hummingbird, logging, nioCore]
        ),
        module("TimeArchive", ["LightningPrimitives", "Nostr", "Postgres", "Roughtime", crypto]),
        module(
            "TimeStamping",
            [
                "BackgroundWork", "ByteCoding", "LightningPrimitives", "Nostr", "Postgres", "Roughtime", "Secp256k1",
                "TimeArchive", crypto, lifecycle, logging, metrics,
            ]
        ),
        tests(
            "TimeStamping",
            [
                "ByteCoding", "Nostr", "Postgres", "PostgresTestSupport", "Roughtime", "Secp256k1", "TimeArchive",
                "TimeTestSupport", crypto,
                logging,
            ]
        ),
        // Used by tests only.
        module("TimeTestSupport", ["Roughtime", crypto]),
        module("Supervisor", [lifecycle, logging, subprocess, system]),
        tests("Supervisor", [lifecycle, logging]),
        module(
            "LightningSandbox",
            [
                "Bolt11", "ByteCoding", "Gzip", "IPAddresses", "LightningPrimitives", "Macaroons", "Secp256k1", crypto,
                httpTypes, hummingbird, hummingbirdTLS, lifecycle, logging, nioCore, nioPosix, nioSSL, swiftASN1, x509,
            ]
        ),
        tests(
            "LightningSandbox",
            [
                "Bolt11", "ByteCoding", "IPAddresses", "LND", "LightningPrimitives", "Macaroons", "Secp256k1",
                httpClient, lifecycle, logging, nioCore, nioFoundation, nioHTTP1, nioSSL,
            ],
            resources: [.copy("Vectors")]
        ),

        // Layer 4: HTTP routes.
        module(
            "Gateway",
            [
                "ByteCoding", "Charts", "Crawler", "Deadlines", "Gate", "HTTPEdge", "IPAddresses", "LND", "Migrations",
                "Oracle",
                "OutboundHTTP",
                "Postgres",
                "L402", "Ledger", "LightningPrimitives", "PaymentAuthentication", "PurchaseReceipts", "Secp256k1",
                "PrometheusExposition", "RequestLimits", "ReverseProxy", "Roughtime", "RoughtimeLink",
                "ServiceCatalogue", "ServiceProbing",
                "TimeArchive", "TimeStamping", "TrustScore",
                "WatchedFiles", crypto,
                httpTypes,
                hummingbird, lifecycle, logging, metrics, nioCore, nioFoundation,
            ]
        ),
        tests(
            "Gateway",
            [
                "ByteCoding", "Gate", "HTTPEdge", "IPAddresses", "Ledger", "LightningPrimitives", "Postgres",
                "PostgresTestSupport", "Roughtime", "ServiceProbing", "TimeArchive", "TimeStamping", "TimeTestSupport",
                crypto, httpTypes,
                logging, nioCore, nioEmbedded, nioHTTPTypes,
            ]
        ),
        module(
            "SignerServer",
            [
                "ByteCoding", "Deadlines", "HTTPEdge", "IPAddresses", "LightningPrimitives", "Nostr", "Pomade",
                "RequestLimits", "Signer", crypto, httpTypes, hummingbird, lifecycle, logging, metrics, nioCore,
            ]
        ),
        tests(
            "SignerServer",
            [
                "FROST", "IPAddresses", "Nostr", "Pomade", "Postgres", "PostgresTestSupport", "SealedRecords",
                "Secp256k1", "Signer", "SigningRounds", crypto, httpTypes, hummingbird, logging, nioCore,
            ],
            resources: [.copy("Vectors")]
        ),
        module(
            "KeyShareServer",
            [
                "AuditChains", "ByteCoding", "DailyLogs", "Deadlines", "HTTPEdge", "IPAddresses", "IdentityProviders",
                "KeyShareNode", "KeyShareProtocol", "KeyShareWatch", "PasswordHashing", "RequestLimits", crypto,
                cryptoExtras,
                httpClient, httpTypes, hummingbird, lifecycle, logging, metrics, nioCore, nioHTTP1,
                orderedCollections,
            ]
        ),
        tests(
            "KeyShareServer",
            [
                "AuditChains", "ByteCoding", "DailyLogs", "IPAddresses", "IdentityProviders", "IdentityTestIssuer",
                "KeyShareNode", "KeyShareWatch",
                "KeyShareProtocol", "KeyShares", "Postgres", "PostgresTestSupport", "ShareEnvelopes", crypto,
                httpClient,
                httpTypes, hummingbird, lifecycle, logging, nioCore, nioFoundation, nioHTTP1, nioPosix,
            ],
            resources: [.copy("Vectors")]
        ),
        module("HealthCheck", ["Deadlines", httpClient, nioCore, nioFoundation, nioHTTP1, swiftASN1, x509]),
        tests("HealthCheck"),
        tests(
            "LND",
            ["ByteCoding", "LightningPrimitives", logging, nioCore, nioHTTP1, nioPosix],
            resources: [.copy("Vectors")]
        ),

        // Layer 5: the program.
        .executableTarget(
            name: "assay",
            dependencies: [
                "ByteCoding", "Crawler", "EmbeddedPostgres", "Gate", "Gateway", "Gzip", "HealthCheck", "IPAddresses",
                "L402", "L402Client", "LightningGraph", "PaymentSimulation",
                "LND", "Ledger", "LightningPrimitives", "LightningSandbox", "Migrations", "Oracle", "OutboundHTTP",
                "Postgres",
                "PrometheusExposition", "PurchaseReceipts", "Secp256k1", "Settings", "Supervisor", "WatchedFiles",
                "Registries", "ReleaseFormat", "Releases", "Roughtime", "RoughtimeClient", "RoughtimeKeys",
                "RoughtimeLink", "RoughtimeResponder", "ServiceCatalogue",
                "ServiceChecks", "ServiceProbing", "TimeArchive", "TimeStamping", "YAML",
                "Mail", "Nostr", "PasswordHashing", "Pomade", "PomadeClient", "SealedRecords", "Signer", "SignerServer",
                "BackupContainers", "DailyLogs", "HTTPEdge", "IdentityProviders", "IdentityTestIssuer",
                "KeyShareBackups",
                "KeyShareNode",
                "KeyShareProtocol", "KeyShareServer", "KeyShareWatch",
                "ShareEnvelopes",
                crypto,
                argumentParser,
                httpClient, httpTypes, lifecycle,
                logging, unixSignals,
                metrics, nioCore, nioFoundation, nioHTTP1, subprocess, system,
            ],
            swiftSettings: settings
        ),
    ]
)
