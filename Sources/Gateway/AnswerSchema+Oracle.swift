// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

// The shapes of what the oracle answers. The end-to-end tests hold every real answer against them, members that are missing
// here included.
extension AnswerSchema {
    /// The schemas that others refer to.
    static let shared: [String: AnswerSchema] = [
        "Bayesian": bayesian, "Node": node, "NodeScores": nodeScores, "NodeEvidence": nodeEvidence,
        "CompatibleComponents": compatibleComponents, "RiskProfile": riskProfile, "AdvisoryReason": advisoryReason,
        "Stage": stage, "Figures": figures, "Estimate": estimate, "Paging": paging, "Error": error,
    ]

    /// An answer in the success envelope.
    static func data(_ schema: AnswerSchema) -> AnswerSchema { .object(["data": schema]) }

    /// A page of rows.
    static func page(_ row: AnswerSchema) -> AnswerSchema {
        .object(["data": .array(row), "meta": .named("Paging")])
    }

    private static let error = object([
        "error": .object(["code": .string, "message": .string, "details": .map(.string)], optional: ["details"]),
        "requestId": .string,
    ])
    private static let paging = object(
        ["total": .integer, "limit": .integer, "offset": .integer, "sort_by": .nullable(.string)],
        optional: ["sort_by"]
    )

    // MARK: Beliefs

    private static let prior = object(["alpha": .number, "beta": .number, "level": .string])
    private static let activity = object(["last_24h": .integer, "last_7d": .integer, "last_30d": .integer])
    private static let bayesianMembers: [String: AnswerSchema] = {
        let source = object([
            "p_success": .number, "ci95_low": .number, "ci95_high": .number, "n_obs": .number, "weight_total": .number,
        ])
        let verdict = oneOf(["SAFE", "UNKNOWN", "RISKY", "INSUFFICIENT"])
        return [
            "p_success": .number, "ci95_low": .number, "ci95_high": .number, "n_obs": .number,
            "verdict": verdict, "verdict_compat": verdict,
            "sources": .object([
                "probe": .nullable(source), "report": .nullable(source), "paid": .nullable(source),
            ]),
            "convergence": .object([
                "converged": .boolean, "sources_above_threshold": .array(.string), "threshold": .number,
            ]),
            "recent_activity": activity, "risk_profile": .string, "time_constant_days": .integer,
            "last_update": .nullable(.integer), "is_meaningful": .boolean, "q80": .number, "q50": .number,
            "prior": prior,
        ]
    }()
    private static let bayesian = object(bayesianMembers)
    private static let stage = object([
        "stage": .oneOf(Stage.allCases.map(\.rawValue)), "alpha": .number, "beta": .number, "p_success": .number,
        "ci95_low": .number, "ci95_high": .number, "n_obs": .number, "is_meaningful": .boolean, "prior": prior,
        "recent_activity": activity, "last_update": .nullable(.integer),
    ])
    private static let riskProfile = object(["name": .string, "riskLevel": .string, "description": .string])
    private static let advisoryReason = object([
        "code": .string, "level": .string, "msg": .string, "signal_strength": .number,
    ])
    private static let advisory = object([
        "advisory_level": .string, "risk_score": .number, "advisories": .array(.named("AdvisoryReason")),
        "recommendation": .string,
    ])

    // MARK: Nodes

    private static let node = object([
        "publicKeyHash": .string, "alias": .string, "publicKey": .string, "firstSeen": .integer,
        "lastSeen": .nullable(.integer), "source": .string,
    ])
    private static let compatibleComponents = object([
        "volume": .integer, "reputation": .integer, "seniority": .integer, "regularity": .integer,
        "diversity": .integer,
    ])
    private static let nodeScores = object([
        "score": .nullable(.number), "components": .map(.number), "weights": .map(.number),
        "percentile": .nullable(.number),
        "reach": .nullable(
            .map(.nullable(.object(["p": .number, "hops": .integer, "feeMsat": .integer])))
        ),
        "compat": .nullable(.object(["score": .number, "components": .named("CompatibleComponents")])),
        "basis": .object([
            "model": .string, "evidence": .array(.string), "pathSource": .nullable(.string),
            "pathSourceIsOwnNode": .nullable(.boolean), "computedAt": .nullable(.integer),
        ]),
    ])
    private static let nodeEvidence = object([
        "transactions": .object(["count": .integer, "verifiedCount": .integer, "sample": .array(.string)]),
        "lightningGraph": .nullable(
            .object([
                "publicKey": .string, "channels": .integer, "capacitySats": .integer, "peers": .integer,
                "disabledChannels": .integer, "sourceUrl": .nullable(.string),
            ])
        ),
        "reputation": .nullable(.object([:])), "probe": .nullable(.object([:])),
        "popularity": .object(["queryCount": .integer, "bonusApplied": .integer]),
    ])

    static let nodeListing = page(
        .object([
            "publicKeyHash": .string, "publicKey": .string, "alias": .string, "rank": .integer,
            "totalTransactions": .integer, "channels": .integer, "capacitySats": .integer, "source": .string,
            "score": .nullable(.number), "compatScore": .nullable(.number), "bayesian": .named("Bayesian"),
        ])
    )

    static let nodeAnswer = data(
        .object([
            "agent": .named("Node"), "bayesian": .named("Bayesian"),
            "stats": .object([
                "totalTransactions": .integer, "verifiedTransactions": .integer, "uniqueCounterparties": .integer,
                "attestationsReceived": .integer, "avgAttestationScore": .number,
            ]),
            "evidence": .named("NodeEvidence"), "alerts": .array(.string), "scores": .named("NodeScores"),
        ])
    )

    static let profile = data(
        .object([
            "agent": .named("Node"), "bayesian": .named("Bayesian"), "rank": .nullable(.integer),
            "reports": .object([
                "total": .integer, "successes": .integer, "failures": .integer, "timeouts": .integer,
                "successRate": .nullable(.number),
            ]),
            "reporterStats": .object([
                "badge": .string, "submitted30d": .integer, "verified30d": .integer,
                "breakdown": .object(["successes": .integer, "failures": .integer, "timeouts": .integer]),
            ]),
            "probeUptime": .nullable(.number),
            "survival": .object([
                "score": .integer, "prediction": .string,
                "signals": .object([
                    "scoreTrajectory": .string, "probeStability": .string, "gossipFreshness": .string,
                ]),
            ]),
            "channelFlow": .nullable(
                .object(["net7d": .integer, "capacityDelta7d": .integer, "trend": .string])
            ),
            "capacityHealth": .nullable(
                .object([
                    "drainRate24h": .nullable(.number), "drainRate7d": .nullable(.number), "trend": .string,
                ])
            ),
            "feeVolatility": .nullable(
                .object(["index": .integer, "interpretation": .string, "changesLast7d": .integer])
            ),
            "riskProfile": .named("RiskProfile"), "evidence": .named("NodeEvidence"), "flags": .array(.string),
            "score": .nullable(.number), "components": .nullable(.named("CompatibleComponents")),
            "scores": .named("NodeScores"),
        ])
    )

    static let verdicts = data(
        .array(
            bayesian.adding([
                "publicKeyHash": .string, "reason": .string, "flags": .array(.string),
                "personalTrust": .nullable(.object([:])), "riskProfile": .named("RiskProfile"),
                "pathfinding": .nullable(.object([:])), "advisory_level": .string, "risk_score": .number,
                "advisories": .array(.named("AdvisoryReason")), "recommendation": .string,
                "reachability": .nullable(.number), "operator_id": .nullable(.string), "score": .nullable(.number),
            ])
        )
    )

    static let stats = data(
        .object([
            "totalAgents": .integer, "activeAgents": .integer, "agentsAll": .integer, "totalEndpoints": .integer,
            "serviceEndpointCount": .integer, "nodesProbed": .integer, "phantomRate": .nullable(.integer),
            "verifiedReachable": .integer, "probes24h": .integer, "totalChannels": .integer,
            "nodesWithRatings": .integer, "networkCapacityBtc": .number,
            "totalVolumeBuckets": .object([
                "micro": .integer, "small": .integer, "medium": .integer, "large": .integer,
            ]),
            "serviceSources": .map(.integer),
            "graph": .nullable(
                .object([
                    "computedAt": .integer, "graphTime": .integer, "pathSource": .string,
                    "pathSourceIsOwnNode": .boolean,
                ])
            ),
        ])
    )

    // MARK: Services

    static let serviceListing = page(
        .object([
            "urlHash": .string, "name": .nullable(.string), "description": .nullable(.string),
            "category": .nullable(.string), "provider": .nullable(.string), "url": .string, "method": .string,
            "priceSats": .nullable(.integer), "httpHealth": .nullable(.string), "uptimeRatio": .nullable(.number),
            "latencyMs": .nullable(.integer), "medianLatencyMs": .nullable(.number),
            "lastCheckedAt": .nullable(.integer), "lastProbeAgeSec": .nullable(.integer), "sources": .array(.string),
            "consumption_type": .nullable(.string), "provider_contact": .nullable(.string),
            "reliability_score": .nullable(.number), "uptime_30d": .nullable(.number), "p_e2e": .number,
            "p_e2e_measured": .nullable(.number), "n_obs": .number, "verdict": .string, "measured_stages": .integer,
            "node": .nullable(
                .object(["publicKeyHash": .string, "alias": .nullable(.string), "bayesian": .named("Bayesian")])
            ),
        ])
    )

    static let categories = data(.array(.object(["category": .string, "count": .integer])))

    static let service = data(
        .object([
            "urlHash": .string, "bayesian": .named("Bayesian"), "stages": serviceStages, "advisory": advisory,
            "metadata": .object([
                "url": .string, "method": .string, "name": .nullable(.string), "description": .nullable(.string),
                "category": .nullable(.string), "provider": .nullable(.string), "priceSats": .nullable(.integer),
                "priceObserved": .boolean, "source": .string, "sources": .array(.string),
                "consumption_type": .nullable(.string), "provider_contact": .nullable(.string),
                "reliability_score": .nullable(.number), "uptime_30d": .nullable(.number), "deprecated": .boolean,
                "deprecated_reason": .nullable(.string),
            ]),
            "http": .nullable(
                .object([
                    "status": .integer, "answer": .nullable(.string), "invoice": .nullable(.string),
                    "tokenFormat": .nullable(.string), "latencyMs": .nullable(.integer),
                    "medianLatencyMs": .nullable(.number), "uptimeRatio": .nullable(.number), "checkCount": .integer,
                    "lastCheckedAt": .nullable(.integer), "lastProbeAgeSec": .nullable(.integer),
                ])
            ),
            "node": .nullable(.object(["publicKeyHash": .string, "alias": .nullable(.string)])),
            "lastPaidProbe": .nullable(.object(["at": .integer, "outcome": .string])),
            "operator_id": .nullable(.string),
        ])
    )
    private static let serviceStages = object([
        "stages": .map(.named("Stage")), "p_e2e": .number, "ci95_low": .number, "ci95_high": .number,
        "prior_share": .number, "measured_stages": .integer, "meaningful_stages": .array(.string),
        "p_e2e_measured": .nullable(.number), "p_e2e_pessimistic": .nullable(.number),
        "p_e2e_optimistic": .nullable(.number), "expected_cost_sats": .nullable(.number),
    ])

    // MARK: Calibration

    private static let estimate = object(["value": .number, "low": .number, "high": .number])
    private static let figures = object(
        [
            "n": .integer, "targets": .integer, "base_rate": .number, "brier": .named("Estimate"),
            "log_loss": .named("Estimate"), "ece": .named("Estimate"), "skill": .named("Estimate"),
            "noise_floor": .object(["mean": .number, "p95": .number]),
            "murphy": .object(["reliability": .number, "resolution": .number, "uncertainty": .number]),
            "curve": .array(
                .object([
                    "predicted": .number, "observed": .number, "low": .number, "high": .number, "n": .integer,
                ])
            ),
        ],
        optional: ["skill"]
    )

    static let calibration = data(
        .object([
            "status": .oneOf(["ok", "no_outcomes"]), "window_start": .nullable(.integer),
            "window_end": .nullable(.integer), "n_outcomes": .integer, "n_targets": .integer,
            "overall": .nullable(.named("Figures")),
            "groups": .array(.object(["name": .string, "figures": .named("Figures")])),
            "compat": .nullable(
                .object([
                    "delta_mean": .number, "delta_median": .number, "delta_p95": .number, "n_endpoints": .integer,
                    "n_outcomes": .integer,
                    "top_deltas": .array(
                        .object([
                            "endpoint_url_hash": .string, "stage": .string, "predicted": .number,
                            "observed": .number, "delta": .number, "n_outcomes": .integer,
                        ])
                    ),
                ])
            ),
            "history": .array(
                .object([
                    "window_start": .integer, "window_end": .integer, "n_outcomes": .integer, "n_targets": .integer,
                    "brier": .number, "log_loss": .number, "ece": .number, "noise_floor": .number,
                ])
            ),
            "is_truncated": .boolean, "reading": .string, "diagram": .string,
        ])
    )

    // MARK: Probes

    static let probe = data(
        .object(
            [
                "id": .string, "state": .oneOf(["queued", "running", "done", "dropped"]),
                "cost": .object(
                    [
                        "creditsDeducted": .integer, "chargedMsat": .integer, "spentMsat": .integer,
                        "heldMsat": .integer,
                    ],
                    optional: ["heldMsat"]
                ),
                "url": .string, "target": .oneOf(["L402", "NOT_L402", "UNREACHABLE"]), "answer": .string,
                "outcome": .string, "dryRun": .boolean,
                "firstFetch": .object(
                    ["status": .integer, "latencyMs": .integer, "httpError": .string],
                    optional: ["status", "httpError"]
                ),
                "l402Challenge": probeChallenge, "payment": probePayment,
                "secondFetch": .object(
                    [
                        "status": .integer, "latencyMs": .integer, "bodyBytes": .integer, "bodyHash": .string,
                        "bodyPreview": .string,
                    ],
                    optional: ["status"]
                ),
                "stages": .map(.oneOf(["ok", "failed"])), "totalLatencyMs": .integer,
            ],
            // A probe under way has a number and a state only.
            optional: [
                "cost", "url", "target", "answer", "outcome", "dryRun", "firstFetch", "l402Challenge", "payment",
                "secondFetch", "stages", "totalLatencyMs",
            ]
        )
    )
    private static let probeChallenge = object(
        [
            "macaroonLen": .integer, "tokenFormat": .string, "lngetCompatible": .boolean, "invoiceSats": .integer,
            "invoiceMsat": .integer, "invoicePaymentHash": .string, "invoiceCheck": .string, "payee": .string,
        ],
        optional: ["invoiceSats", "invoiceMsat", "invoicePaymentHash", "invoiceCheck", "payee"]
    )
    private static let probePayment = object(
        [
            "paymentHash": .string, "preimage": .string, "macaroon": .string, "paidMsat": .integer,
            "feeMsat": .integer, "paymentError": .string, "durationMs": .integer,
        ],
        optional: ["preimage", "macaroon", "paymentError"]
    )
}
