// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    // MARK: What operators of Oko's node know

    /// The key share node's own port, where it does not answer on the gateway's.
    public static let keySharePort = Setting(
        "PORT",
        .integer(0...65535),
        default: "4201",
        "Port that 'assay keyshare serve' listens on; 0 picks a free one."
    )
    public static let databaseHost = Setting(
        "DB_HOST",
        .text,
        "Host of the key share node's PostgreSQL, or the directory of its socket."
    )
    public static let databasePort = Setting("DB_PORT", .integer(1...65535), default: "5432", "Port of DB_HOST.")
    public static let databaseUser = Setting("DB_USER", .text, "Role that the key share node connects as.")
    public static let databasePassword = Setting(
        "DB_PASSWORD",
        .secret,
        "Password of DB_USER; not needed on a socket that trusts its peer."
    )
    public static let databaseName = Setting("DB_NAME", .text, "Name of the key share node's database.")
    public static let databaseTLS = Setting(
        "DB_SSL",
        .choice(["false", "require", "verify-full", "true"]),
        default: "false",
        "TLS to the database: none, without looking at the certificate, or with (true means verify-full)."
    )
    public static let okoSecretPath = Setting(
        "ENCRYPTION_SECRET_PATH",
        .path,
        "File of the secret that Oko's rows are encrypted with; ~ is the home directory."
    )
    public static let keyShareAdminPassword = Setting(
        "ADMIN_PASSWORD",
        .secret,
        "The administrator's password in clear, at least 14 characters; KS_ADMIN_PASSWORD_HASH is better."
    )
    public static let dumpDirectory = Setting(
        "DUMP_DIR",
        .path,
        "Directory of the key share node's backups; none, and no backups are made."
    )
    public static let telegramBotToken = Setting(
        "TELEGRAM_BOT_TOKEN",
        .secret,
        "Token of the Telegram bot; only KS_TELEGRAM_HMAC needs more of it than its number."
    )
    public static let telemetryURL = Setting(
        "OKO_API_BASE_URL",
        .text,
        default: "",
        "URL whose /tss/v1/ks_node/telemetry is told every three minutes how the node is; empty is off."
    )
    public static let telemetryPassword = Setting(
        "KS_NODE_REPORT_PASSWORD",
        .secret,
        "Password that goes with the reports to OKO_API_BASE_URL."
    )

    // MARK: What Oko's compose file adds

    public static let composeDataDirectory = Setting(
        "PG_DATA_DIR",
        .path,
        "For the compose file: where the database keeps its data."
    )
    public static let keyShareLogDirectory = Setting(
        "LOG_DIR",
        .path,
        "Directory of the key share node's daily log files, kept for 7 days; none, and logs go to standard error."
    )
    public static let composePort = Setting(
        "SERVER_PORT",
        .integer(0...65535),
        "For the compose file: the published port; the key share node's PORT when that is not set."
    )
    public static let composeSecretPath = Setting(
        "ENCRYPTION_SECRET_FILE_PATH",
        .path,
        "For the compose file: the host's ENCRYPTION_SECRET_PATH, and taken for it when that is not set."
    )

    /// LOG_LEVEL with the names that Oko's operators know as well.
    public static let keyShareLogLevel = Setting(
        "LOG_LEVEL",
        .choice([
            "trace", "debug", "info", "notice", "warning", "error", "critical", "warn", "http", "verbose", "silly",
        ]),
        default: "info",
        "Least severe messages that the key share node logs."
    )

    // MARK: Ours

    public static let keyShareLogFormat = Setting(
        "LOG_FORMAT",
        .choice(["text", "json"]),
        default: "text",
        "Form of the key share node's log lines."
    )
    public static let keyShareBind = Setting(
        "KS_BIND",
        .text,
        default: "127.0.0.1",
        "Address that 'assay keyshare serve' listens on."
    )
    public static let keyShareAdminListen = Setting(
        "KS_ADMIN_LISTEN",
        .text,
        default: "127.0.0.1:4301",
        takesEmpty: true,
        "Address and port of the administrator's routes and metrics; empty serves them on the main port."
    )
    public static let keyShareAdminPasswordHash = Setting(
        "KS_ADMIN_PASSWORD_HASH",
        .secret,
        "Hash of the administrator's password, made by 'assay keyshare hash-password'."
    )
    public static let keyShareAdminKey = Setting(
        "KS_ADMIN_KEY",
        .secret,
        "The administrator's key for programs (Authorization: Bearer), at least 32 characters; openssl rand -hex 32."
    )
    public static let keyShareRootSecret = Setting(
        "KS_ROOT_SECRET_FILE",
        .path,
        "File of the root secret: 32 bytes or 64 hexadecimal digits, mode 0600 or a systemd credential."
    )
    public static let keyShareSealed = Setting(
        "KS_SEALED",
        .boolean,
        default: "false",
        "Whether the node starts sealed, until enough holders of pieces of the root secret have unsealed it."
    )
    public static let keyShareTrustedProxies = Setting(
        "KS_TRUSTED_PROXIES",
        .text,
        default: "",
        "Networks, separated by commas, whose X-Forwarded-For the key share node believes."
    )
    public static let keyShareCommitReveal = Setting(
        "KS_COMMIT_REVEAL",
        .choice(["off", "optional", "required"]),
        default: "optional",
        "Whether calls of versions 1 and 2 need a commit-reveal session; version 3 always does."
    )
    public static let keyShareProviders = Setting(
        "KS_PROVIDERS",
        .path,
        "JSON file of the login providers; docs/keyshare/PROVIDERS.md describes it."
    )
    public static let keyShareTelegramWidget = Setting(
        "KS_TELEGRAM_HMAC",
        .boolean,
        default: "false",
        "Whether Telegram's login widget is taken, whose proof every node with the bot's token can make."
    )
    public static let keyShareTelegramAge = Setting(
        "KS_TELEGRAM_MAX_AGE_S",
        .integer(1...86_400),
        default: "300",
        "Seconds since a Telegram login, at most."
    )
    public static let keyShareBackupTime = Setting(
        "KS_BACKUP_AT",
        .text,
        default: "03:17",
        "Time of the daily backup, UTC, HH:MM; off makes none."
    )
    public static let keyShareBackupDrill = Setting(
        "KS_BACKUP_DRILL",
        .choice(["off", "daily", "weekly"]),
        default: "weekly",
        "How often the newest backup is restored into a scratch database and checked."
    )
    public static let keyShareBackupRecipients = Setting(
        "KS_BACKUP_RECIPIENTS",
        .text,
        default: "",
        "Public keys, separated by commas, whose holders alone can read the backups; none, and the root secret can."
    )
    public static let keyShareBackupWeekly = Setting(
        "KS_BACKUP_WEEKLY",
        .integer(0...520),
        default: "0",
        "Weekly backups that are kept besides the 7 daily ones."
    )
    public static let keyShareBackupMonthly = Setting(
        "KS_BACKUP_MONTHLY",
        .integer(0...120),
        default: "0",
        "Monthly backups that are kept besides the 7 daily ones."
    )
    public static let keyShareOffsite = Setting(
        "KS_OFFSITE",
        .text,
        default: "",
        "Where backups are copied to, separated by commas: file:///directory, sftp://user@host/directory, https://peer."
    )
    public static let keyShareOffsiteToken = Setting(
        "KS_OFFSITE_TOKEN",
        .secret,
        "Bearer with which backups are put to a peer's /admin/v1/offsite."
    )
    public static let keyShareOffsitePeers = Setting(
        "KS_OFFSITE_PEERS",
        .secret,
        "Other nodes that may put their backups here, separated by commas: NAME:BEARER."
    )
    public static let keyShareOffsiteSSH = Setting(
        "KS_OFFSITE_SSH_CONFIG",
        .path,
        "File of settings for ssh (IdentityFile, UserKnownHostsFile) with which sftp copies backups; the user's without it."
    )
    public static let keyShareNodeName = Setting(
        "KS_NODE_NAME",
        .text,
        default: "",
        "What the node is called in its backups and where copies of them go; its public key's beginning without it."
    )
    public static let keyShareOffsiteQuota = Setting(
        "KS_OFFSITE_QUOTA_MB",
        .integer(0...10_000_000),
        default: "0",
        "Megabytes of backups that are kept for each other node; 0 keeps none."
    )
    public static let keyShareWriteFormat = Setting(
        "KS_WRITE_FORMAT",
        .choice(["v1", "v2"]),
        default: "v2",
        "Format of rows that are written: v1 is Oko's, for the time in which a return to it is wanted."
    )
    public static let keyShareOrigins = Setting(
        "KS_CORS_ORIGINS",
        .text,
        default: "*",
        takesEmpty: true,
        "Origins, separated by commas, whose pages may call the share routes; * is any, empty none."
    )
    public static let keySharePrices = Setting(
        "KS_PRICES",
        .text,
        default: "{}",
        "JSON of prices in msat for the L402 gate: {\"POST /keyshare/v2/register\":1000}; with 'assay serve' only."
    )
    public static let keyShareRequests = Setting(
        "KS_REQUESTS_PER_MINUTE",
        .integer(1...10_000_000),
        default: "100",
        "Requests to the key share node that one address may make in a minute."
    )
    public static let keyShareReads = Setting(
        "KS_READS_PER_HOUR",
        .integer(1...1_000_000),
        default: "20",
        "Reads of shares in an hour by one identity."
    )
    public static let keyShareWrites = Setting(
        "KS_WRITES_PER_HOUR",
        .integer(1...1_000_000),
        default: "5",
        "Writes of shares in an hour by one identity."
    )
    public static let keyShareRefusals = Setting(
        "KS_REFUSALS_PER_HOUR",
        .integer(1...1_000_000),
        default: "100",
        "Calls in an hour by one identity that are refused for what is stored, such as an unknown wallet."
    )
    public static let keyShareCheckAuth = Setting(
        "KS_CHECK_AUTH",
        .choice(["none", "service"]),
        default: "none",
        "Who may ask whether a share exists: anyone, or who signs with KS_CHECK_KEY."
    )
    public static let keyShareCheckKey = Setting(
        "KS_CHECK_KEY",
        .secret,
        "Key of the HMAC-SHA-256 of a body in X-KS-Check, with KS_CHECK_AUTH=service."
    )
    public static let keyShareCertificates = Setting(
        "KS_DB_CA",
        .path,
        "File of the authorities whose certificates DB_SSL=verify-full accepts; the system's without it."
    )
    public static let keyShareNodes = Setting(
        "KS_NODES",
        .path,
        "JSON file of the key share nodes that report to 'assay serve' and are watched by it; none, and none are."
    )

    /// What a key share node reads, wherever it runs, and the gateway that watches some.
    static let keyShare = [
        databaseHost, databasePort, databaseUser, databasePassword, databaseName, databaseTLS, okoSecretPath,
        keyShareAdminPassword, dumpDirectory, telegramBotToken, telemetryURL, telemetryPassword,
        composeDataDirectory, keyShareLogDirectory, composePort, composeSecretPath, keyShareLogFormat, keyShareBind,
        keyShareAdminListen, keyShareAdminPasswordHash, keyShareAdminKey, keyShareRootSecret, keyShareSealed,
        keyShareTrustedProxies, keyShareCommitReveal, keyShareProviders, keyShareTelegramWidget, keyShareTelegramAge,
        keyShareBackupTime, keyShareBackupDrill, keyShareBackupRecipients, keyShareBackupWeekly,
        keyShareBackupMonthly, keyShareOffsite, keyShareOffsiteToken, keyShareOffsitePeers, keyShareOffsiteQuota,
        keyShareOffsiteSSH, keyShareNodeName,
        keyShareWriteFormat,
        keyShareOrigins, keySharePrices, keyShareRequests, keyShareReads, keyShareWrites, keyShareRefusals,
        keyShareCheckAuth,
        keyShareCheckKey, keyShareCertificates, keyShareNodes,
    ]

    /// Everything that a key share node by itself reads.
    public static let keyShareNode: [Setting] =
        [keySharePort, keyShareLogLevel] + keyShare + [maxConnections, statementTimeout]
}
