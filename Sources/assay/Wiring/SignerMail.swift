// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Mail
import ServiceLifecycle
import Settings
import Signer

/// How the signer's notices reach people: by mail, or in tests on standard output.
struct SignerMail: SignerPost {
    private let queue: MailQueue?
    private let signer: String
    private let logger: Logger

    /// - Throws: ``Failure`` when mail is needed and not configured.
    init(_ settings: Settings, isTest: Bool, logger: Logger) throws {
        signer = settings.text(.signerURL) ?? ""
        self.logger = logger
        guard !isTest else {
            queue = nil
            return
        }
        do throws(MailConfigurationError) {
            queue = MailQueue(try MailConfiguration(settings), logger: logger)
        } catch {
            let hint =
                settings.text(.mailProvider) == nil
                ? "; set MAIL_PROVIDER and its settings (DEPLOY.md, section 12), or TEST_MODE=1 to try things out" : ""
            throw Failure(Failure.configuration, "\(error)\(hint)")
        }
    }

    /// What has to run for mail to go out.
    var services: [any Service] { queue.map { [$0] } ?? [] }

    func send(_ notice: SignerNotice, to address: String) {
        guard let queue else { return Self.printCode(notice, to: address) }
        // Addresses were looked at when they were set up; the mail's own form is stricter in places.
        guard let address = try? EmailAddress(address) else {
            logger.warning("a notice cannot be mailed to the address that was set up")
            return
        }
        queue.enqueue(message(notice, to: address))
    }

    private func message(_ notice: SignerNotice, to address: EmailAddress) -> MailMessage {
        let now = Int64(Date().timeIntervalSince1970)
        switch notice {
        case .code(let code): return .oneTimePassword(code, signer: signer, to: address)
        case .recoverySet(let link): return .confirmation(link: link, signer: signer, to: address)
        case .signedIn: return .signIn(at: now, signer: signer, to: address)
        case .recoveryRequested(let time, let link):
            return .recoveryPending(availableAt: time, cancelLink: link, signer: signer, to: address)
        case .recovered: return .recoveryDone(at: now, signer: signer, to: address)
        case .retention(let days, let time):
            return .shareExpiring(days: days, at: time, signer: signer, to: address)
        case .passwordChanged: return .passwordChanged(at: now, signer: signer, to: address)
        case .recoveryCancelled: return .recoveryCancelled(at: now, signer: signer, to: address)
        }
    }

    /// Test programs of other signers read this line.
    private static func printCode(_ notice: SignerNotice, to address: String) {
        guard case .code(let code) = notice else { return }
        Terminal.say("[challenge] otp=\(code) to=\(address)")
    }
}
