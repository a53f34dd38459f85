// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    public static let signerSecret = Setting(
        "POMADE_SECRET",
        .secret,
        "Secret that the signer's database is sealed with: 64 hexadecimal digits or nsec1...; openssl rand -hex 32."
    )
    public static let signerSecretPrevious = Setting(
        "POMADE_SECRET_PREVIOUS",
        .secret,
        "Secret whose place POMADE_SECRET takes, until 'assay signer rotate-secret' has run."
    )
    public static let signerURL = Setting(
        "POMADE_URL",
        .text,
        "The signer's URL as clients know it, without a slash at the end; it is the salt of passwords and stays for ever."
    )
    public static let signerAliases = Setting(
        "POMADE_URL_ALIASES",
        .text,
        default: "",
        "Former URLs of the signer, separated by commas, that are still answered."
    )
    public static let signerBind = Setting(
        "POMADE_BIND",
        .text,
        default: "127.0.0.1",
        "Address that the signer listens on."
    )
    public static let signerPort = Setting(
        "POMADE_PORT",
        .integer(0...65535),
        default: "3000",
        "Port that the signer listens on; 0 picks a free one."
    )
    public static let signerMount = Setting(
        "POMADE_MOUNT",
        .choice(["listener", "gateway"]),
        default: "listener",
        "Where 'assay serve' with the module signer answers: on the signer's own port, or on PORT by host name and path."
    )
    public static let signerDatabase = Setting(
        "POMADE_DATABASE",
        .secret,
        default: "/var/lib/pomade/signer.db",
        "URL of the signer's PostgreSQL database, or a directory for a private cluster."
    )
    public static let signerTestMode = Setting(
        "TEST_MODE",
        .text,
        "Any value: no proof of work, cheap hashes, codes on standard output instead of mail; on the loopback only."
    )
    public static let signerWork = Setting(
        "POMADE_REGISTER_POW",
        .integer(0...64),
        default: "16",
        "Leading zero bits that the event of a registration needs."
    )
    public static let signerMinimumThreshold = Setting(
        "POMADE_MIN_THRESHOLD",
        .integer(1...5),
        default: "1",
        "Least threshold of a group; with 1 every signer holds a whole key, so 2 is recommended."
    )
    public static let signerTweaks = Setting(
        "POMADE_MAX_TWEAKS",
        .integer(0...9),
        default: "9",
        "Most tweaks of a signature; 0 signs with untweaked keys only."
    )
    public static let signerRequiresPayload = Setting(
        "POMADE_REQUIRE_PAYLOAD",
        .boolean,
        default: "false",
        "Whether every request has to be signed together with its body."
    )
    public static let signerRecoveryDelay = Setting(
        "POMADE_RECOVERY_DELAY",
        .integer(0...31_536_000),
        default: "0",
        "Seconds that a recovery by a mailed code waits for the owner's veto; 86400 is recommended."
    )
    public static let signerIdle = Setting(
        "POMADE_SESSION_IDLE",
        .integer(60...315_360_000),
        default: "2592000",
        "Seconds without use after which a session is deactivated; its share stays."
    )
    public static let signerRetention = Setting(
        "POMADE_SHARE_RETENTION",
        .integer(86_400...3_153_600_000),
        default: "94608000",
        "Seconds without use after which a share that can be recovered is deleted, its owner warned three times."
    )
    public static let signerSessionsPerUser = Setting(
        "POMADE_MAX_SESSIONS_PER_USER",
        .integer(1...10_000),
        default: "64",
        "Most live sessions of one user's key."
    )
    public static let signerCodeDigits = Setting(
        "POMADE_OTP_DIGITS",
        .integer(6...32),
        default: "10",
        "Digits of a mailed code after its prefix of two."
    )
    public static let signerTrustedProxy = Setting(
        "POMADE_TRUSTED_PROXY",
        .text,
        default: "127.0.0.1/32",
        "Networks, separated by commas, whose X-Forwarded-For the signer believes."
    )
    public static let signerPeers = Setting(
        "POMADE_PEERS",
        .text,
        """
        Identities (npub1… or 64 hex digits, as /x/info tells), separated by commas, of the signers with which lost shares \
        are made again; none, and nothing is repaired.
        """
    )
    public static let signerSensitiveFloor = Setting(
        "POMADE_SENSITIVE_MIN_MS",
        .integer(0...5000),
        default: "0",
        "Milliseconds that a signature or an exchange takes at least; the arithmetic takes the same time anyway."
    )

    static let signer = [
        signerSecret, signerSecretPrevious, signerURL, signerAliases, signerBind, signerPort, signerMount,
        signerDatabase, signerTestMode, signerWork, signerMinimumThreshold, signerTweaks, signerRequiresPayload,
        signerRecoveryDelay, signerIdle, signerRetention, signerSessionsPerUser, signerCodeDigits,
        signerTrustedProxy, signerPeers, signerSensitiveFloor,
    ]
}
