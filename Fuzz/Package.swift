// swift-tools-version: 6.2
// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// A package of its own, because everything it builds is instrumented: Fuzz/run builds and runs it.

import PackageDescription

let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "assay", path: ".."),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
    ],
    targets: [
        .systemLibrary(name: "CLibFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CLibFuzzer",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "BackupContainers", package: "assay"),
                .product(name: "Bolt11", package: "assay"),
                .product(name: "ByteCoding", package: "assay"),
                .product(name: "CommitReveal", package: "assay"),
                .product(name: "FROST", package: "assay"),
                .product(name: "IPAddresses", package: "assay"),
                .product(name: "IdentityProviders", package: "assay"),
                .product(name: "KeyShareProtocol", package: "assay"),
                .product(name: "KeyShares", package: "assay"),
                .product(name: "L402", package: "assay"),
                .product(name: "LightningGraph", package: "assay"),
                .product(name: "LightningPrimitives", package: "assay"),
                .product(name: "Macaroons", package: "assay"),
                .product(name: "Nostr", package: "assay"),
                .product(name: "OutboundHTTP", package: "assay"),
                .product(name: "PaymentAuthentication", package: "assay"),
                .product(name: "Pomade", package: "assay"),
                .product(name: "PurchaseReceipts", package: "assay"),
                .product(name: "Registries", package: "assay"),
                .product(name: "ReleaseFormat", package: "assay"),
                .product(name: "Roughtime", package: "assay"),
                .product(name: "RoughtimeKeys", package: "assay"),
                .product(name: "Secp256k1", package: "assay"),
                .product(name: "ServiceCatalogue", package: "assay"),
                .product(name: "ServiceChecks", package: "assay"),
                .product(name: "ShareEnvelopes", package: "assay"),
                .product(name: "SigningRounds", package: "assay"),
            ],
            path: "Sources/Fuzz",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .treatAllWarnings(as: .error),
            ]
        ),
    ]
)
