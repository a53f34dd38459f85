// swift-tools-version: 6.2
// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
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

let package = Package(
    name: "assay",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2")
    ],
    targets: [
        // Layer 1: wire formats and mathematics. Pure: no I/O, no clock, no network.
        module("ByteCoding"),
        tests("ByteCoding"),
        module("LightningPrimitives", ["ByteCoding", crypto]),
        tests("LightningPrimitives", ["ByteCoding"]),
        module("Macaroons", ["ByteCoding", crypto]),
        tests("Macaroons", ["ByteCoding"], resources: [.copy("Vectors")]),
        module("IPAddresses"),
        tests("IPAddresses"),
        module("L402", ["ByteCoding", "IPAddresses", "LightningPrimitives", "Macaroons", crypto]),
        tests(
            "L402",
            ["ByteCoding", "IPAddresses", "LightningPrimitives", "Macaroons"],
            resources: [.copy("Vectors")]
        ),
    ]
)
