// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import Evidence
internal import LightningPrimitives
public import Postgres
internal import ServiceChecks
internal import TrustScore

extension EndpointStore {
    /// Writes down what looks have found.
    ///
    /// An answer 404 or 410 counts towards deprecation, another answer ends the count, and a challenge undoes deprecation.
    private static let record = Statement(
        "endpoints.record",
        """
        UPDATE endpoints e SET
            last_status = r.status, last_latency_ms = r.latency, last_checked_at = to_timestamp(r.at), answer = r.answer,
            last_error = r.error, check_count = check_count + 1,
            success_count = success_count + r.success::integer,
            invoice_check = coalesce(r.invoice, e.invoice_check),
            token_format = coalesce(r.format, e.token_format),
            lnget_compatible = CASE WHEN r.format IS NULL THEN e.lnget_compatible ELSE r.lnget END,
            payee = coalesce(r.payee, e.payee),
            price_msat = coalesce(r.price, e.price_msat),
            price_seen_at = CASE WHEN r.price IS NULL THEN e.price_seen_at ELSE to_timestamp(r.at) END,
            http_method = coalesce(r.method, e.http_method),
            median_latency_ms = CASE WHEN r.status = 0 THEN e.median_latency_ms
                WHEN e.median_latency_ms IS NULL THEN r.latency
                ELSE e.median_latency_ms * (1 + 0.05 * sign(r.latency - e.median_latency_ms)) END,
            gone_count = CASE WHEN r.gone THEN e.gone_count + 1 WHEN r.status = 0 THEN e.gone_count ELSE 0 END,
            deprecated_at = CASE WHEN r.status = 402 THEN NULL
                WHEN r.gone AND e.gone_count + 1 >= $16 THEN coalesce(e.deprecated_at, now()) ELSE e.deprecated_at END,
            deprecated_reason = CASE WHEN r.status = 402 THEN NULL
                WHEN r.gone AND e.gone_count + 1 >= $16 THEN coalesce(e.deprecated_reason, 'gone')
                ELSE e.deprecated_reason END,
            next_check_at = now() + r.wait * interval '1 second', updated_at = now()
        FROM unnest($1::bytea[], $2::integer[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::boolean[],
            $8::text[], $9::text[], $10::boolean[], $11::bytea[], $12::bigint[], $13::text[], $14::boolean[],
            $15::float8[])
        AS r (hash, status, latency, at, answer, error, success, invoice, format, lnget, payee, price, method, gone, wait)
        WHERE e.url_hash = r.hash
        """
    )
    private static let seeInvoices = Statement(
        "endpoints.see_invoices",
        """
        INSERT INTO seen_invoices (payment_hash, url_hash, payee, amount_msat, expires_at)
        SELECT hash, endpoint, payee, amount, to_timestamp(least(expires, 4102444800))
        FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[])
            AS r (hash, endpoint, payee, amount, expires)
        ON CONFLICT DO NOTHING
        """
    )
    private static let forgetInvoices = Statement(
        "endpoints.forget_invoices",
        "DELETE FROM seen_invoices WHERE first_seen < now() - interval '30 days'"
    )

    /// Writes down looks: the rows, the invoices that were seen, and the evidence.
    ///
    /// A look that was not made changes nothing but the time of the next one.
    /// - Parameters:
    ///   - wait: seconds until the next look at an endpoint.
    ///   - threshold: how many answers 404 or 410 in a row deprecate an endpoint.
    ///   - countsAsEvidence: not when we were cut off ourselves.
    public func record(
        _ checks: [ServiceCheck],
        deprecateAfter threshold: Int = 3,
        countsAsEvidence: Bool = true,
        wait: (ServiceCheck) -> Double
    ) async throws(PostgresError) {
        let missed = checks.filter { !$0.wasMade }
        if let wait = missed.map(wait).max() {
            try await postpone(missed.map(\.endpoint.hash), seconds: wait)
        }
        let checks = checks.filter(\.wasMade)
        guard !checks.isEmpty else { return }
        let values: [PostgresValue] = [
            .byteaArray(checks.map(\.endpoint.hash)),
            .int4Array(checks.map { Int32($0.status ?? 0) }),
            .int4Array(checks.map { Int32(clamping: Int64($0.latency / .milliseconds(1))) }),
            .int8Array(checks.map(\.at)),
            .textArray(checks.map(\.label)),
            .optionalTextArray(checks.map { $0.error.map { String("\($0)".filter { $0 != "\0" }.prefix(300)) } }),
            .boolArray(checks.map { $0.provesChallenge == true }),
            .optionalTextArray(checks.map { $0.invoiceCheck?.rawValue }),
            .optionalTextArray(checks.map { $0.offer?.format.rawValue }),
            .boolArray(checks.map { $0.offer?.isReadableByLnget ?? false }),
            .optionalByteaArray(checks.map { $0.invoice?.payee.bytes }),
            .optionalInt8Array(checks.map { $0.invoice?.amount.flatMap { $0 > .zero ? $0.msat : nil } }),
            .optionalTextArray(checks.map(\.betterMethod)),
            .boolArray(checks.map { $0.answer == .gone }),
            .float8Array(checks.map(wait)),
            .int4(Int32(clamping: threshold)),
        ]
        try await client.execute(Self.record, values)
        try await see(checks)
        if countsAsEvidence { try await EvidenceStore(client).record(checks.flatMap(\.outcomes)) }
    }

    /// Keeps the invoices of challenges: a report about a payment has to be about one of them.
    func see(_ checks: [ServiceCheck]) async throws(PostgresError) {
        let seen = checks.compactMap { check in check.invoice.map { (check.endpoint.hash, $0) } }
        guard !seen.isEmpty else { return }
        let values: [PostgresValue] = [
            .byteaArray(seen.map(\.1.paymentHash.bytes)), .byteaArray(seen.map(\.0)),
            .byteaArray(seen.map(\.1.payee.bytes)), .int8Array(seen.map { $0.1.amount?.msat ?? 0 }),
            .int8Array(seen.map(\.1.expiresAt)),
        ]
        try await client.execute(Self.seeInvoices, values)
    }

    /// Drops invoices that nobody will report about any more.
    @discardableResult
    public func forgetOldInvoices() async throws(PostgresError) -> Int {
        try await client.execute(Self.forgetInvoices)
    }
}

extension ServiceCheck {
    /// The method to use from now on, when the service says that ours is wrong.
    var betterMethod: String? {
        guard case .wrongMethod(let allowed)? = answer, !allowed.contains(endpoint.method) else { return nil }
        return ["GET", "POST"].first(where: allowed.contains)
    }

    /// What it says about the free stages.
    var outcomes: [Outcome] {
        guard let proof = provesChallenge else { return [] }
        var found = [outcome(.challenge, proof, label)]
        if let invoiceCheck, isHeldAgainst(invoiceCheck) {
            found.append(outcome(.invoice, invoiceCheck == .valid, invoiceCheck.rawValue))
        }
        return found
    }

    /// Another price than the advertised one is the service's fault only when it advertised it itself.
    ///
    /// Anybody may tell a directory anything. An invoice without an amount is the service's fault in any case.
    private func isHeldAgainst(_ found: InvoiceCheck) -> Bool {
        found != .amountMismatch || endpoint.isAdvertisedByOwner || (invoice?.amount ?? .zero) == .zero
    }

    private func outcome(_ stage: Stage, _ success: Bool, _ label: String) -> Outcome {
        Outcome(
            target: .endpoint(endpoint.hash),
            source: .probe,
            stage: stage,
            success: success,
            weight: 1,
            label: label,
            observedAt: at
        )
    }
}
