// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    /// Every setting, in the order of the documentation.
    public static let all: [Setting] =
        listening + database + node + money + limits + crawling + probing + roughtime + roughtimeServer + timeStamps
        + signer + mail + keyShare

    // Listening
    public static let host = Setting("HOST", .text, default: "127.0.0.1", "Address that `assay serve` listens on.")
    public static let port = Setting(
        "PORT",
        .integer(0...65535),
        default: "3000",
        "Port that `assay serve` listens on; 0 picks a free one."
    )
    public static let trustedProxies = Setting(
        "ASSAY_TRUSTED_PROXIES",
        .text,
        default: "",
        "Networks, separated by commas, whose X-Forwarded-For is believed."
    )
    public static let blockList = Setting(
        "ASSAY_BLOCKLIST_FILE",
        .path,
        "File of networks that are not served, one CIDR per line; read again when it changes."
    )
    public static let maxConnections = Setting(
        "ASSAY_MAX_CONNECTIONS",
        .integer(1...1_000_000),
        default: "4096",
        "Connections served at a time."
    )
    public static let logLevel = Setting(
        "LOG_LEVEL",
        .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
        default: "info",
        "Least severe messages that are logged."
    )
    public static let apiKey = Setting(
        "API_KEY",
        .secret,
        "The operator's key with every scope, for /api/admin and for /metrics from elsewhere (X-API-Key or Bearer)."
    )
    public static let metricsAuth = Setting(
        "METRICS_AUTH",
        .choice(["loopback", "key"]),
        default: "loopback",
        "Whether /metrics is free on the loopback or always needs the key."
    )
    public static let metricsPrefix = Setting(
        "METRICS_PREFIX",
        .text,
        default: "assay",
        "What stands before every metric's name."
    )
    public static let modules = Setting(
        "ASSAY_MODULES",
        .text,
        default: "oracle",
        "Modules that `assay serve` mounts, separated by commas: oracle, roughtime, signer, keyshare."
    )
    public static let indexProof = Setting(
        "ASSAY_402INDEX_PROOF",
        .text,
        "What /.well-known/402index-verify.txt shows, to prove the domain to 402index.io."
    )
    public static let directoryProof = Setting(
        "ASSAY_L402_DIRECTORY_PROOF",
        .text,
        "What /.well-known/l402-directory-verify.txt shows, to prove the domain to l402.directory."
    )
    public static let servicesFile = Setting(
        "ASSAY_SERVICES_FILE",
        .path,
        "YAML file of services that the gate stands in front of; read again when it changes. docs/proxy.md describes it."
    )
    private static let listening = [
        modules, servicesFile, host, port, trustedProxies, blockList, maxConnections, logLevel, apiKey, metricsAuth,
        metricsPrefix,
        indexProof, directoryProof,
    ]

    // Database
    public static let databaseURL = Setting(
        "DATABASE_URL",
        .secret,
        "Postgres connection URL; without it a private cluster is started in the data directory."
    )
    public static let dataDirectory = Setting(
        "ASSAY_DATA_DIR",
        .path,
        "Directory of the private cluster; /var/lib/assay as root, ~/.local/state/assay otherwise."
    )
    public static let databaseConnections = Setting(
        "DB_POOL_MAX_API",
        .integer(1...64),
        default: "8",
        "Pipelined connections of `assay serve`."
    )
    public static let crawlerConnections = Setting(
        "DB_POOL_MAX_CRAWLER",
        .integer(1...64),
        default: "4",
        "Pipelined connections of `assay crawl`."
    )
    public static let statementTimeout = Setting(
        "DB_STATEMENT_TIMEOUT_MS",
        .integer(100...600_000),
        default: "5000",
        "Milliseconds a statement of a request may take."
    )
    private static let database = [
        databaseURL, dataDirectory, databaseConnections, crawlerConnections, statementTimeout,
    ]

    // Lightning node
    public static let lndURL = Setting(
        "LND_REST_URL",
        .text,
        default: "https://localhost:8080",
        "LND's REST address."
    )
    public static let lndCertificate = Setting(
        "LND_TLS_CERT_PATH",
        .path,
        "LND's tls.cert, the only certificate that is trusted."
    )
    public static let lndServerName = Setting(
        "LND_TLS_SERVER_NAME",
        .text,
        "Name expected in the certificate when it is not the address's host."
    )
    public static let invoiceMacaroon = Setting(
        "LND_INVOICE_MACAROON_PATH",
        .path,
        "Macaroon with invoices:read, invoices:write and info:read, for `assay serve`."
    )
    public static let readonlyMacaroon = Setting(
        "LND_MACAROON_PATH",
        .path,
        "Macaroon with info:read, for `assay crawl`."
    )
    private static let node = [lndURL, lndCertificate, lndServerName, invoiceMacaroon, readonlyMacaroon]

    // Money
    public static let l402Secret = Setting(
        "L402_MACAROON_SECRET",
        .secret,
        "Root secret of all tokens, 64 hex digits; epoch 0 of a key ring of one."
    )
    public static let keyRing = Setting(
        "ASSAY_L402_KEY_RING",
        .secret,
        "Key ring, lines of 'EPOCH mint|verify|retired 64-HEX'; best given as ASSAY_L402_KEY_RING_FILE."
    )
    public static let operatorSecret = Setting(
        "OPERATOR_BYPASS_SECRET",
        .secret,
        "X-Operator-Token that serves paid routes free; off when unset, at least 32 bytes."
    )
    public static let invoiceExpiry = Setting(
        "L402_INVOICE_EXPIRY_SECONDS",
        .integer(10...86_400),
        default: "600",
        "Seconds until an unpaid invoice is cancelled."
    )
    public static let tokenLifetime = Setting(
        "ASSAY_L402_TOKEN_LIFETIME_SECONDS",
        .integer(60...315_360_000),
        default: "2592000",
        "Seconds a token lives after its invoice's expiry."
    )
    public static let defaultPrice = Setting(
        "L402_DEFAULT_PRICE_SATS",
        .integer(0...100_000_000),
        default: "1",
        "Price of a paid request in satoshi; 0 is free."
    )
    public static let profilePrice = Setting(
        "ASSAY_PRICE_PROFILE_SATS",
        .integer(0...100_000_000),
        "Price of GET /api/profile/{ident}; L402_DEFAULT_PRICE_SATS when unset."
    )
    public static let verdictsPrice = Setting(
        "ASSAY_PRICE_VERDICTS_SATS",
        .integer(0...100_000_000),
        "Price of POST /api/verdicts; L402_DEFAULT_PRICE_SATS when unset."
    )
    public static let holdLifetime = Setting(
        "ASSAY_HOLD_LIFETIME_SECONDS",
        .integer(10...3600),
        default: "90",
        "Seconds until the price of a request that died is given back; more than ASSAY_REQUEST_TIMEOUT_MS by 5 s."
    )
    public static let paymentScheme = Setting(
        "ASSAY_PAYMENT_SCHEME",
        .boolean,
        default: "true",
        "Whether the Payment scheme (intent charge) is offered and accepted beside L402."
    )
    public static let receiptKey = Setting(
        "ASSAY_RECEIPT_KEY",
        .secret,
        "Secret key of signed receipts (BIP-340), 64 hex digits; without it paid answers are not signed."
    )
    public static let receiptGroup = Setting(
        "ASSAY_RECEIPT_GROUP",
        .path,
        "In place of ASSAY_RECEIPT_KEY: a key that several signers hold together, as a file of 'assay frost deal'."
    )
    public static let oracleKey = Setting(
        "ASSAY_ORACLE_KEY",
        .secret,
        "Secret key with which 'assay crawl' signs for stamped scores (a Nostr key: nsec1… or 64 hex digits)."
    )
    public static let oracleGroup = Setting(
        "ASSAY_ORACLE_GROUP",
        .path,
        "In place of ASSAY_ORACLE_KEY: a key that several signers hold together, as a file of 'assay frost deal'."
    )
    public static let oraclePublicKey = Setting(
        "ASSAY_ORACLE_PUBLIC_KEY",
        .text,
        "The oracle's public key, shown in /.well-known/l402: npub1… or 64 hex digits."
    )
    public static let depositTiers = Setting(
        "ASSAY_DEPOSIT_TIERS",
        .text,
        default: "21:1,1000:0.5,10000:0.2,100000:0.1,1000000:0.05",
        "Deposits: smallest size in satoshi and its part of the price, ascending."
    )
    public static let depositMaximum = Setting(
        "ASSAY_DEPOSIT_MAX_SATS",
        .integer(1...100_000_000),
        default: "1000000",
        "The largest deposit in satoshi."
    )
    public static let bareDeposits = Setting(
        "ASSAY_COMPAT_BARE_DEPOSIT",
        .boolean,
        default: "false",
        "Whether 'L402 deposit:PREIMAGE' is accepted for deposits of at most 1000 sat; every hop learns a preimage."
    )
    private static let money = [
        l402Secret, keyRing, operatorSecret, invoiceExpiry, tokenLifetime, defaultPrice, profilePrice, verdictsPrice,
        holdLifetime, paymentScheme, receiptKey, receiptGroup, oracleKey, oracleGroup, oraclePublicKey, depositTiers,
        depositMaximum, bareDeposits,
    ]

    // Limits
    public static let globalLimit = Setting(
        "RATE_LIMIT_MAX",
        .integer(1...10_000_000),
        default: "100",
        "Requests per minute and client to /api."
    )
    public static let discoveryLimit = Setting(
        "ASSAY_RATE_LIMIT_DISCOVERY",
        .integer(1...10_000_000),
        default: "60",
        "Requests per minute and client to the index."
    )
    public static let challengeRate = Setting(
        "ASSAY_CHALLENGES_PER_SECOND",
        .integer(1...100_000),
        default: "2",
        "Challenges per second and client network (IPv4 /24, IPv6 /48)."
    )
    public static let challengeBurst = Setting(
        "ASSAY_CHALLENGE_BURST",
        .integer(1...1_000_000),
        default: "30",
        "Challenges one client network may ask for at once."
    )
    public static let totalChallengeRate = Setting(
        "ASSAY_CHALLENGES_PER_SECOND_TOTAL",
        .integer(1...1_000_000),
        default: "50",
        "Challenges per second of one service, all clients together."
    )
    public static let openInvoices = Setting(
        "ASSAY_OPEN_INVOICE_LIMIT",
        .integer(1...1_000_000),
        default: "2000",
        "Unpaid invoices that may be open at a time."
    )
    public static let proofOfWork = Setting(
        "ASSAY_POW_BITS",
        .integer(0...40),
        default: "20",
        "Leading zero bits of the puzzle that a client may solve instead of waiting for a challenge; 0 offers none."
    )
    public static let freeMisses = Setting(
        "ASSAY_FREE_MISSES_PER_HOUR",
        .integer(0...1_000_000),
        default: "20",
        "Paid look-ups per hour and payment that are free when they find nothing."
    )
    public static let credentialRate = Setting(
        "ASSAY_CREDENTIAL_REQUESTS_PER_SECOND",
        .integer(1...1_000_000),
        default: "100",
        "Paid requests per second of one token; twice as many at once."
    )
    public static let bodyLimit = Setting(
        "ASSAY_BODY_LIMIT_BYTES",
        .integer(256...16_777_216),
        default: "10240",
        "Greatest size of a request's body."
    )
    public static let requestTimeout = Setting(
        "ASSAY_REQUEST_TIMEOUT_MS",
        .integer(100...600_000),
        default: "30000",
        "Milliseconds a request may take."
    )
    private static let limits = [
        globalLimit, discoveryLimit, challengeRate, challengeBurst, totalChallengeRate, openInvoices, proofOfWork,
        freeMisses, credentialRate, bodyLimit, requestTimeout,
    ]

    // Crawling
    public static let crawlerMetricsPort = Setting(
        "CRAWLER_METRICS_PORT",
        .integer(0...65535),
        default: "9091",
        "Loopback port of the crawler's /metrics and /healthz; 0 picks a free one."
    )
    public static let graphInterval = Setting(
        "CRAWL_INTERVAL_LND_GRAPH_MS",
        .integer(1000...604_800_000),
        default: "21600000",
        "Milliseconds between readings of the whole graph; in between, changes come by LND's subscription."
    )
    public static let graphDeltaWindow = Setting(
        "ASSAY_GRAPH_DELTA_WINDOW_MS",
        .integer(0...60_000),
        default: "1000",
        "Milliseconds from a change of the graph to the scoring of it; changes within are scored together."
    )
    public static let graphDeltaSpacing = Setting(
        "ASSAY_GRAPH_DELTA_SPACING_MS",
        .integer(0...3_600_000),
        default: "1000",
        "Least milliseconds between two scorings of changes; they never take more than half a core."
    )
    public static let scoreSpacing = Setting(
        "ASSAY_SCORE_RELOAD_SPACING_MS",
        .integer(0...600_000),
        default: "2000",
        "Least milliseconds between two loads of the scores into the server's memory."
    )
    public static let pathSource = Setting(
        "NODE_PUBKEY",
        .text,
        "Public key that reachability is measured from, when the node itself has no public channel."
    )
    public static let calibrationInterval = Setting(
        "CALIBRATION_INTERVAL_MS",
        .integer(1000...604_800_000),
        default: "3600000",
        "Milliseconds between two comparisons of what was foretold with what happened in the last seven days."
    )
    private static let crawling = [
        crawlerMetricsPort, graphInterval, graphDeltaWindow, graphDeltaSpacing, scoreSpacing, pathSource,
        calibrationInterval,
    ]
}
