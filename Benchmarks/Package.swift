// swift-tools-version: 6.2
// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// A package of its own, so that building Assay never builds a benchmark: swift run -c release --package-path Benchmarks

import PackageDescription

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "assay", path: ".."),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "LedgerBenchmark",
            dependencies: [
                .product(name: "EmbeddedPostgres", package: "assay"),
                .product(name: "Ledger", package: "assay"),
                .product(name: "LightningPrimitives", package: "assay"),
                .product(name: "Migrations", package: "assay"),
                .product(name: "Postgres", package: "assay"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
            ]
        )
    ]
)
