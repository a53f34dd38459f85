// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import L402
import LightningPrimitives
import Macaroons
import PaymentAuthentication

extension FuzzTarget {
    /// Lines of credential headers; the first byte tells which header.
    static let credential = FuzzTarget(name: "Credential") { input in
        let names = ["authorization", "x-l402", "grpc-metadata-macaroon", "macaroon"]
        let name = names[Int(input.first ?? 0) % names.count]
        let lines = lines(input.dropFirst())
        checkToken(CredentialReader.read { $0 == name ? lines : [] }, lines)
        _ = CredentialReader.bareDeposit(lines)
        checkPayment(PaymentCredentialReader.read(lines))
    }

    private static func checkToken(_ reading: CredentialReading, _ lines: [String]) {
        switch reading {
        case .none, .malformed: break
        case .tooLarge:
            require(lines.contains { $0.utf8.count > CredentialReader.headerLimit }, "only a long line is too large")
        case .credential(let credential):
            require("\(credential)" == "[redacted]", "a credential is never printed")
            let text = "\(credential.macaroon.token):\(credential.preimage.hex)"
            for line in ["L402 \(text)", "lsat \t L402  \(text) ", "L402 \(text), L402 \(text)"] {
                let again = CredentialReader.read { $0 == "authorization" ? [line] : [] }
                require(again == reading || line.utf8.count > CredentialReader.headerLimit, "it reads as the same")
            }
            let other = "L402 \(credential.macaroon.adding(caveat: "a=b").token):\(credential.preimage.hex)"
            guard other.utf8.count <= CredentialReader.headerLimit else { return }
            let both = CredentialReader.read { $0 == "authorization" ? ["L402 \(text)", other] : [] }
            require(both == .malformed, "two different credentials are nobody's intention")
        }
    }

    private static func checkPayment(_ reading: PaymentCredentialReading) {
        guard case .credential(let credential) = reading else { return }
        require("\(credential)" == "[redacted]", "a credential is never printed")
        require(PaymentCredentialReader.read([credential.headerValue]) == reading, "it reads as the same")
        require(PaymentCredentialReader.read([credential.headerValue.lowercased()]) != .none, "a scheme has any case")
        if let charge = ChargeRequest(parameter: credential.challenge.request) {
            require(charge.sats >= 1, "a charge asks for something")
            require(ChargeRequest(parameter: charge.parameter) == charge, "a charge reads as the same")
        }
    }
}
