// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LND
import Logging
import Settings

extension LNDClient {
    /// The client of the configured node with one role's macaroon.
    static func configured(
        _ settings: Settings,
        macaroon: Setting,
        breakers: LNDBreakers = LNDBreakers(),
        logger: Logger
    ) throws -> LNDClient {
        guard let path = settings.text(macaroon) else {
            throw Failure(
                Failure.configuration,
                "\(macaroon.name) is not set: \(macaroon.meaning) 'assay run' brings a sandbox node with everything set."
            )
        }
        let url = settings.text(.lndURL) ?? ""
        guard url.hasPrefix("https://") || url.hasPrefix("http://") else {
            throw Failure(Failure.configuration, "\(Setting.lndURL.name) is '\(url)'; allowed: https://HOST:PORT")
        }
        if url.hasPrefix("https://"), settings.text(.lndCertificate) == nil {
            throw Failure(
                Failure.configuration,
                "\(Setting.lndCertificate.name) is not set: \(Setting.lndCertificate.meaning)"
            )
        }
        return LNDClient(
            configuration: LNDConfiguration(
                restURL: url,
                tlsCertificatePath: url.hasPrefix("https://") ? settings.text(.lndCertificate) : nil,
                tlsServerName: settings.text(.lndServerName),
                macaroonPath: path
            ),
            breakers: breakers,
            logger: logger
        )
    }
}
