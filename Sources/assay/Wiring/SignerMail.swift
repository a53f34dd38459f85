// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import ServiceLifecycle
import Settings
import Signer

/// How the signer's notices reach people.
struct SignerMail: SignerPost {
    /// What has to run for mail to go out.
    let services: [any Service] = []
    private let isTest: Bool

    init(_ settings: Settings, isTest: Bool, logger: Logger) throws {
        self.isTest = isTest
        guard isTest else { throw Failure(Failure.configuration, "MAIL_PROVIDER is missing") }
    }

    func send(_ notice: SignerNotice, to address: String) {
        guard isTest, case .code(let code) = notice else { return }
        // Test programs of other signers read this line.
        FileHandle.standardOutput.write(Data("[challenge] otp=\(code) to=\(address)\n".utf8))
    }
}
