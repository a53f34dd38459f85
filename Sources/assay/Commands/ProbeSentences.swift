// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ServiceChecks

// What looks find, in words for a person; programs read the codes.

extension ServiceAnswer {
    var sentence: String {
        switch self {
        case .l402(let offer): "an \(offer.scheme.rawValue) challenge, with a token and an invoice"
        case .brokenChallenge: "an L402 challenge without a token or an invoice that can be read"
        case .payment(let method): "the Payment scheme\(method.map { ", paid by \($0)" } ?? ""); not L402"
        case .x402: "x402, which is paid with stablecoins; not L402"
        case .otherPayment: "it wants to be paid, by no protocol that is known here"
        case .open: "it serves without being paid"
        case .redirect: "it redirects to another address, which is not asked"
        case .wrongMethod(let allowed):
            allowed.isEmpty
                ? "it wants another method" : "it wants another method: \(allowed.joined(separator: ", "))"
        case .tooManyRequests(let seconds):
            "it asks to be left alone" + (seconds.map { " for \($0) s" } ?? " for a while")
        case .gone: "there is nothing at this address"
        case .refused: "it refuses the request"
        case .failing: "it fails"
        }
    }
}

extension TokenFormat {
    var words: String {
        switch self {
        case .v2: "a macaroon of version 2"
        case .v1: "a macaroon of version 1"
        case .v0: "a macaroon of version 1, as text instead of base64"
        case .json: "a JSON object"
        case .unknown: "of no known format"
        }
    }
}

extension InvoiceCheck {
    var sentence: String {
        switch self {
        case .valid: "it can be paid"
        case .decodeFailed: "it cannot be read"
        case .wrongNetwork: "it is of another network; see --network"
        case .noPayee: "it does not say who is paid"
        case .expired: "it has expired, or will within a minute"
        case .amountMismatch: "its amount is far from what is advertised"
        }
    }
}
