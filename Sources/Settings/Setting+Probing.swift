// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    // Services: directories and free checks
    public static let registryInterval = Setting(
        "CRAWL_INTERVAL_REGISTRY_MS",
        .integer(1000...604_800_000),
        default: "86400000",
        "Milliseconds between readings of a directory."
    )
    public static let registry402Index = Setting(
        "ASSAY_REGISTRY_402INDEX_URL",
        .text,
        default: "https://402index.io",
        "The directory 402index.io, or 'off'."
    )
    public static let registryL402Directory = Setting(
        "ASSAY_REGISTRY_L402DIRECTORY_URL",
        .text,
        default: "https://l402.directory",
        "The directory l402.directory, or 'off'."
    )
    public static let hostCapPerRun = Setting(
        "HOST_INGESTION_CAP_PER_CYCLE",
        .integer(1...100_000),
        default: "50",
        "New services of one host that one reading of a directory may add."
    )
    public static let hostCapTotal = Setting(
        "ABSOLUTE_HOST_CAP_TOTAL",
        .integer(1...100_000),
        default: "100",
        "Services of one host in the catalogue."
    )
    public static let deprecationThreshold = Setting(
        "DEPRECATED_404_THRESHOLD",
        .integer(1...100),
        default: "3",
        "Answers 404 or 410 in a row after which a service is deprecated."
    )
    public static let serverAddress = Setting(
        "SERVER_IP",
        .text,
        "Public addresses of this machine, separated by commas, which no probe may ask."
    )
    public static let probeNetworks = Setting(
        "ASSAY_PROBE_ALLOWED_NETWORKS",
        .text,
        default: "",
        "Networks, separated by commas, that may be asked although they are not of the public internet."
    )

    // Payments of our own
    public static let payMacaroon = Setting(
        "LND_ADMIN_MACAROON_PATH",
        .path,
        "Macaroon that `assay crawl` pays with: SendPaymentV2, TrackPaymentV2, GetInfo; nothing is paid without it."
    )
    public static let payerURL = Setting(
        "ASSAY_PAYER_LND_REST_URL",
        .text,
        "REST address of the node that pays, when it is not LND_REST_URL."
    )
    public static let payerCertificate = Setting(
        "ASSAY_PAYER_LND_TLS_CERT_PATH",
        .path,
        "The paying node's tls.cert, the only certificate that is trusted."
    )
    public static let paidProbes = Setting(
        "PAID_PROBE_ENABLED",
        .boolean,
        default: "false",
        "Whether services are bought from to see whether they deliver."
    )
    public static let paidProbeInterval = Setting(
        "PAID_PROBE_INTERVAL_HOURS",
        .integer(1...8760),
        default: "6",
        "Hours between cycles of paid probes."
    )
    public static let paidProbeIntervalExact = Setting(
        "ASSAY_PAID_PROBE_INTERVAL_MS",
        .integer(1000...604_800_000),
        "Milliseconds between cycles of paid probes, instead of PAID_PROBE_INTERVAL_HOURS."
    )
    public static let paidProbeCap = Setting(
        "PAID_PROBE_MAX_PER_PROBE_SATS",
        .integer(1...1_000_000),
        default: "5",
        "The most one paid probe may pay in satoshi, without the routing fee."
    )
    public static let paidProbeCycleBudget = Setting(
        "PAID_PROBE_TOTAL_BUDGET_SATS",
        .integer(0...10_000_000),
        default: "50",
        "The most one cycle of paid probes may cost in satoshi, routing fees included."
    )
    public static let paidProbeDayBudget = Setting(
        "PAID_PROBE_BUDGET_PER_24H_SATS",
        .integer(0...100_000_000),
        default: "1000",
        "The most paid probes may cost in any 24 hours in satoshi, routing fees included; 0 makes none."
    )
    public static let paidProbesPerCycle = Setting(
        "PAID_PROBE_MAX_PER_CYCLE",
        .integer(1...1000),
        default: "10",
        "Paid probes in one cycle."
    )
    public static let paidProbeFeeLimit = Setting(
        "ASSAY_PAID_PROBE_FEE_LIMIT_SATS",
        .integer(0...1_000_000),
        default: "10",
        "The most a paid probe's routing may cost in satoshi."
    )
    public static let htlcProbes = Setting(
        "HTLC_PROBES_ENABLED",
        .boolean,
        default: "false",
        "Whether HTLCs that nobody can claim are sent to the payees of wanted services; they lock others' money briefly."
    )
    public static let htlcProbeAmount = Setting(
        "ASSAY_HTLC_PROBE_SATS",
        .integer(1...50_000),
        default: "10000",
        "Amount of an HTLC probe in satoshi."
    )

    // Probes for callers of the API
    public static let probePrice = Setting(
        "ASSAY_PRICE_PROBE_SATS",
        .integer(0...1_000_000),
        default: "5",
        "Base price of POST /api/probe in satoshi; the target's invoice and the routing fee come on top."
    )
    public static let probeLookPrice = Setting(
        "ASSAY_PRICE_PROBE_LOOK_SATS",
        .integer(0...1_000_000),
        default: "1",
        "Price in satoshi of a probe that pays nothing."
    )
    public static let probeMaximum = Setting(
        "PROBE_MAX_INVOICE_SATS",
        .integer(1...10_000_000),
        default: "1000",
        "The most a probe for a caller may pay its target in satoshi."
    )
    public static let probeFeeLimit = Setting(
        "ASSAY_PROBE_FEE_LIMIT_SATS",
        .integer(0...1_000_000),
        default: "10",
        "The most the routing of a probe for a caller may cost in satoshi."
    )
    public static let probeDayBudget = Setting(
        "ASSAY_API_PROBE_BUDGET_PER_24H_SATS",
        .integer(0...100_000_000),
        default: "20000",
        "The most probes for callers may pay in any 24 hours in satoshi; callers pay it back."
    )
    public static let probeTimeout = Setting(
        "PROBE_FETCH_TIMEOUT_MS",
        .integer(100...60_000),
        default: "15000",
        "Milliseconds that each request of a probe for a caller may take."
    )
    public static let probesPerToken = Setting(
        "PROBE_RATE_LIMIT_PER_TOKEN_PER_HOUR",
        .integer(1...1_000_000),
        default: "10",
        "Probes per hour and payment."
    )
    public static let probesPerHour = Setting(
        "PROBE_RATE_LIMIT_GLOBAL_PER_HOUR",
        .integer(1...1_000_000),
        default: "20",
        "Probes per hour for all callers together; one network or payment gets half of it at most."
    )

    static let probing = [
        registryInterval, registry402Index, registryL402Directory, hostCapPerRun, hostCapTotal, deprecationThreshold,
        serverAddress, probeNetworks, payMacaroon, payerURL, payerCertificate, paidProbes, paidProbeInterval,
        paidProbeIntervalExact, paidProbeCap, paidProbeCycleBudget, paidProbeDayBudget, paidProbesPerCycle,
        paidProbeFeeLimit, htlcProbes, htlcProbeAmount, probePrice, probeLookPrice, probeMaximum, probeFeeLimit,
        probeDayBudget, probeTimeout, probesPerToken, probesPerHour,
    ]
}
