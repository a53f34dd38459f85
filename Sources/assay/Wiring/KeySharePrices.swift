// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import KeyShareProtocol
import LightningPrimitives
import Settings

/// What calls of a key share node cost behind the L402 gate.
struct KeySharePrices {
    /// Prices by route; those that are not here are free.
    let prices: [KeyShareRoute: MilliSatoshi]

    /// - Throws: ``Failure``.
    init(_ settings: Settings) throws {
        let text = settings.text(.keySharePrices) ?? "{}"
        let bytes = Array(text.utf8)
        guard JSONNesting.isShallow(bytes, limit: 1), StrictJSON.isStrict(bytes),
            let given = try? JSONDecoder().decode([String: Int64].self, from: Data(bytes))
        else { throw Self.wrong("it is a JSON object of routes and msat") }
        var prices: [KeyShareRoute: MilliSatoshi] = [:]
        for (name, price) in given {
            guard name.hasPrefix("POST "), let route = KeyShareRoute(path: name.dropFirst(5)) else {
                throw Self.wrong("'\(name)' is no route; routes are such as POST /keyshare/v2/register")
            }
            let isFree = [.checkV1, .checkV2, .checkV3, .commitV2, .commitV3].contains(route)
            guard !isFree, route.authentication != .administrator else {
                throw Self.wrong("'\(name)' stays free: health, status, check, commit and the administrator's routes")
            }
            guard (0...100_000_000_000).contains(price) else { throw Self.wrong("\(price) msat is out of range") }
            if price > 0 { prices[route] = MilliSatoshi(msat: price) }
        }
        self.prices = prices
    }

    private static func wrong(_ reason: String) -> Failure {
        Failure(Failure.configuration, "\(Setting.keySharePrices.name): \(reason)")
    }
}
