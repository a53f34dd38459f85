// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    public static let roughtimePublicKey = Setting(
        "ASSAY_ROUGHTIME_PUBLIC_KEY_PATH",
        .path,
        "File with the Roughtime server's long-term public key; without it the systemd credential longterm.pub."
    )
    public static let roughtimeListen = Setting(
        "ASSAY_ROUGHTIME_LISTEN",
        .text,
        default: "5319,2002",
        "Ports, or addresses such as 192.0.2.1:5319 and [2001:db8::1]:5319, separated by commas, for Roughtime."
    )
    public static let roughtimeTCP = Setting(
        "ASSAY_ROUGHTIME_TCP",
        .boolean,
        default: "true",
        "Whether Roughtime is also served by TCP on those ports."
    )
    public static let roughtimeSocket = Setting(
        "ASSAY_ROUGHTIME_SOCKET",
        .path,
        "Unix socket between gateway and Roughtime responder: one listens there, the other asks."
    )
    public static let roughtimeWorkers = Setting(
        "ASSAY_ROUGHTIME_WORKERS",
        .integer(1...256),
        "Threads that answer Roughtime; without it one for each processor."
    )
    public static let roughtimeVersions = Setting(
        "ASSAY_ROUGHTIME_VERSIONS",
        .text,
        default: "all",
        "Versions to answer: 'all', or some of google, draft-01 to draft-12, 1, separated by commas."
    )
    public static let roughtimeMetricsPort = Setting(
        "ASSAY_ROUGHTIME_METRICS_PORT",
        .integer(0...65535),
        default: "9092",
        "Port on the loopback for metrics and health of the Roughtime responder; 0 for none."
    )
    public static let roughtimeRequestFile = Setting(
        "ASSAY_ROUGHTIME_REQUEST_PATH",
        .path,
        "Where the responder writes its request for a delegation; without it request.json in $RUNTIME_DIRECTORY."
    )
    public static let roughtimeCertificates = Setting(
        "ASSAY_ROUGHTIME_CERTIFICATES_PATH",
        .path,
        default: "/run/assay-roughtime-delegate/certificates.json",
        "Where the responder finds the certificates of its online key."
    )
    public static let roughtimeGrace = Setting(
        "ASSAY_ROUGHTIME_UNSYNC_GRACE_SECONDS",
        .integer(0...86_400),
        default: "60",
        "Seconds that times are signed after the clock has lost its synchronisation."
    )
    public static let roughtimeRadiusFloor = Setting(
        "ASSAY_ROUGHTIME_RADIUS_FLOOR_MS",
        .integer(1...3_600_000),
        default: "1000",
        "Least radius that is stated, in milliseconds."
    )
    public static let roughtimeSmear = Setting(
        "ASSAY_ROUGHTIME_SMEAR",
        .boolean,
        default: "false",
        "Whether the clock follows a source that smears leap seconds."
    )
    public static let roughtimeGrease = Setting(
        "ASSAY_ROUGHTIME_GREASE",
        .integer(0...1_000_000),
        default: "256",
        "One of so many answers by UDP is unusable on purpose, so that careless clients are noticed; 0 for none."
    )
    public static let roughtimeLegacyBudget = Setting(
        "ASSAY_ROUGHTIME_LEGACY_SIGNATURES",
        .integer(0...1_000_000),
        default: "2000",
        "Signatures per second and worker for single requests of drafts whose clients disagree about trees."
    )

    public static let roughtimePrice = Setting(
        "ASSAY_ROUGHTIME_PRICE_SATS",
        .integer(0...1_000_000),
        default: "0",
        "Price of a Roughtime answer over HTTP, in sat; 0 is free."
    )
    public static let roughtimeBatchPrice = Setting(
        "ASSAY_ROUGHTIME_BATCH_PRICE_SATS",
        .integer(0...1_000_000),
        default: "1",
        "Price of a batch of Roughtime answers over HTTP, in sat; 0 is free."
    )
    public static let roughtimePublicHost = Setting(
        "ASSAY_ROUGHTIME_PUBLIC_HOST",
        .text,
        "Host name that the published Roughtime server list gives; without it the one a caller has used."
    )

    static let roughtimeServer = [
        roughtimePublicKey, roughtimeListen, roughtimeTCP, roughtimeSocket, roughtimeWorkers, roughtimeVersions,
        roughtimeMetricsPort, roughtimeRequestFile, roughtimeCertificates, roughtimeGrace, roughtimeRadiusFloor,
        roughtimeSmear, roughtimeGrease, roughtimeLegacyBudget, roughtimePrice, roughtimeBatchPrice,
        roughtimePublicHost,
    ]
}
