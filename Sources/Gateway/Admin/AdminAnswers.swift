// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import Ledger
internal import LightningPrimitives

private func seconds(_ date: Date) -> Int64 { Int64(date.timeIntervalSince1970) }

/// A credit as operators see it.
struct CreditAnswer: Encodable {
    let paymentHash: String
    let tokenId: String
    let service: String
    let tier: Int16
    let purpose: String
    let paidMsat: Int64
    let spentMsat: Int64
    let remainingMsat: Int64
    let rateSatsPerRequest: Double
    let createdAt: Int64
    let lastUsedAt: Int64
    let expiresAt: Int64?
    let closedAt: Int64?

    init(_ credit: Credit) {
        paymentHash = credit.paymentHash.hex
        tokenId = Hex.encode(credit.tokenID)
        service = credit.service
        tier = credit.tier
        purpose = credit.purpose
        paidMsat = credit.paid.msat
        spentMsat = credit.spent.msat
        remainingMsat = credit.remaining.msat
        rateSatsPerRequest = Double(credit.ratePPM) / 1_000_000
        createdAt = seconds(credit.createdAt)
        lastUsedAt = seconds(credit.lastUsedAt)
        expiresAt = credit.expiresAt.map(seconds)
        closedAt = credit.closedAt.map(seconds)
    }
}

/// A line of the ledger.
struct EntryAnswer: Encodable {
    let id: Int64
    let at: Int64
    let kind: String
    let route: String?
    let amountMsat: Int64
    let reference: String?

    init(_ entry: LedgerEntry) {
        id = entry.id
        at = seconds(entry.at)
        kind = entry.kind
        route = entry.route
        amountMsat = entry.amount.msat
        reference = entry.reference
    }
}

struct RevocationAnswer: Encodable {
    let kind: String
    let subject: String
    let reason: String
    let revokedBy: String
    let revokedAt: Int64

    init(_ revocation: Revocation) {
        kind = revocation.kind.rawValue
        subject = Hex.encode(revocation.subject)
        reason = revocation.reason
        revokedBy = revocation.revokedBy
        revokedAt = seconds(revocation.revokedAt)
    }
}

/// A credential of an operator, without its secret.
struct OperatorAnswer: Encodable {
    let name: String
    let kind: String
    let scopes: [String]
    let createdBy: String
    let createdAt: Int64
    let expiresAt: Int64
    let revokedAt: Int64?
    let uses: Int64
    let lastUsedAt: Int64?

    init(_ credential: OperatorCredential) {
        name = credential.name
        kind = credential.kind.rawValue
        scopes = credential.scopes.map(\.rawValue).sorted()
        createdBy = credential.createdBy
        createdAt = seconds(credential.createdAt)
        expiresAt = seconds(credential.expiresAt)
        revokedAt = credential.revokedAt.map(seconds)
        uses = credential.uses
        lastUsedAt = credential.lastUsedAt.map(seconds)
    }
}

struct RevenueAnswer: Encodable {
    struct Route: Encodable {
        let route: String
        let earnedMsat: Int64
        let calls: Int64
    }
    struct Day: Encodable {
        let day: String
        let route: String
        let earnedMsat: Int64
        let calls: Int64
    }
    struct Product: Encodable {
        let service: String
        let tier: Int16
        let purpose: String
        let earnedMsat: Int64
        let calls: Int64
        let payments: Int64
    }
    let from: String
    let to: String
    let totalMsat: Int64
    let routes: [Route]
    let days: [Day]
    let products: [Product]
}

struct AuditAnswer: Encodable {
    let isConsistent: Bool
    let credits: Int64
    let paidMsat: Int64
    let spentMsat: Int64
    let heldMsat: Int64
    let earnedMsat: Int64
    let mismatches: Int64
    let examples: [String]

    init(_ report: AuditReport) {
        isConsistent = report.isConsistent
        credits = report.credits
        paidMsat = report.paid.msat
        spentMsat = report.spent.msat
        heldMsat = report.held.msat
        earnedMsat = report.earned.msat
        mismatches = report.mismatches
        examples = report.examples.map(\.hex)
    }
}
