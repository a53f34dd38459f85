// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gateway
import LightningPrimitives
import Postgres
import Roughtime
import RoughtimeKeys
import RoughtimeLink
import RoughtimeResponder
import Settings
import TimeArchive

/// Turns settings into what the Roughtime responder takes.
enum RoughtimeWiring {
    /// The key that clients know.
    static func publicKey(_ settings: Settings, _ environment: [String: String]) throws -> [UInt8] {
        let credential = environment["CREDENTIALS_DIRECTORY"].map { "\($0)/longterm.pub" }
        guard let path = settings.text(.roughtimePublicKey) ?? credential else {
            throw Failure(
                Failure.configuration,
                """
                the long-term public key is missing: set \(Setting.roughtimePublicKey.name) to the file that \
                'assay roughtime keygen' wrote, or give systemd's credential longterm.pub
                """
            )
        }
        return try RoughtimeCommand.guarding { try LongTermPublicKey.read(path) }
    }

    static func options(_ settings: Settings) throws -> ResponderOptions {
        let grace = Duration.seconds(settings.integer(.roughtimeGrace) ?? 60)
        return ResponderOptions(
            addresses: try addresses(settings),
            listensOnTCP: settings.isOn(.roughtimeTCP),
            localSocket: settings.text(.roughtimeSocket),
            workers: settings.integer(.roughtimeWorkers) ?? ProcessInfo.processInfo.activeProcessorCount,
            versions: try versions(settings),
            radius: RadiusRules(
                floor: Int64(settings.integer(.roughtimeRadiusFloor) ?? 1000) * 1000,
                isSmeared: settings.isOn(.roughtimeSmear)
            ),
            unsynchronised: settings.text(.roughtimeUnsynchronised) == "wide" ? .wide : .silent(grace: grace),
            greaseOneIn: settings.integer(.roughtimeGrease) ?? 256,
            legacySignaturesPerSecond: settings.integer(.roughtimeLegacyBudget) ?? 2000
        )
    }

    static func keeping(
        _ settings: Settings,
        _ environment: [String: String],
        versions: VersionSet
    ) throws -> DelegationKeeper.Options {
        guard
            let request = settings.text(.roughtimeRequestFile)
                ?? environment["RUNTIME_DIRECTORY"].map({ "\($0)/request.json" })
        else {
            throw Failure(
                Failure.configuration,
                "set \(Setting.roughtimeRequestFile.name): systemd gives no RUNTIME_DIRECTORY for the request"
            )
        }
        var options = DelegationKeeper.Options(
            requestFile: request,
            certificatesFile: settings.text(.roughtimeCertificates) ?? "/run/assay-roughtime-delegate/certificates.json"
        )
        options.rotation = .seconds(settings.integer(.roughtimeRotateSeconds) ?? 86_400)
        options.versions = versions
        return options
    }

    /// The way to the responder on this machine.
    static func link(_ settings: Settings) throws -> ResponderLink {
        guard let socket = settings.text(.roughtimeSocket) else {
            throw Failure(
                Failure.configuration,
                "the module roughtime needs \(Setting.roughtimeSocket.name): the Unix socket of 'assay roughtime serve'"
            )
        }
        return ResponderLink(path: socket)
    }

    /// What the gateway's routes need.
    static func desk(_ settings: Settings, _ client: PostgresClient) throws -> TimeDesk {
        TimeDesk(
            link: try link(settings),
            publicKey: try publicKey(settings, ProcessInfo.processInfo.environment),
            prices: TimeDesk.Prices(
                request: .sat(Int64(settings.integer(.roughtimePrice) ?? 0)),
                batch: .sat(Int64(settings.integer(.roughtimeBatchPrice) ?? 1))
            ),
            reports: MalfeasanceStore(client: client),
            publicHost: settings.text(.roughtimePublicHost)
        )
    }

    private static func addresses(_ settings: Settings) throws -> [ListenAddress] {
        try words(settings.text(.roughtimeListen) ?? "5319,2002").map { word in
            guard let address = ListenAddress(word) else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.roughtimeListen.name): '\(word)' is neither a port nor address:port"
                )
            }
            return address
        }
    }

    private static func versions(_ settings: Settings) throws -> VersionSet {
        let names = words(settings.text(.roughtimeVersions) ?? "all")
        if names == ["all"] { return .all }
        let versions = try names.map { name in
            guard let version = Version(name: name) else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.roughtimeVersions.name): '\(name)' is no version; google, draft-01 to draft-12 and 1 are"
                )
            }
            return version
        }
        guard !versions.isEmpty else {
            throw Failure(Failure.configuration, "\(Setting.roughtimeVersions.name) names no version")
        }
        return VersionSet(versions)
    }

    private static func words(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
