// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    public static let stampPrice = Setting(
        "ASSAY_TIME_STAMP_PRICE_SATS",
        .integer(0...1_000_000),
        default: "1",
        "Price of a proof that a document existed by now, in sat; 0 is free."
    )
    public static let stampServers = Setting(
        "ASSAY_TIME_STAMP_SERVERS",
        .path,
        "Roughtime server list (RFC 10049) of others who sign every stamp after our own server; without it nobody does."
    )
    public static let stampScoresEvery = Setting(
        "ASSAY_TIME_STAMP_SCORES_SECONDS",
        .integer(0...86_400),
        default: "60",
        "Seconds between two stamps of the scores that have changed; 0 stamps none."
    )
    public static let stampArchivePrice = Setting(
        "ASSAY_TIME_ARCHIVE_PRICE_SATS",
        .integer(0...1_000_000),
        default: "1",
        "Price of a node's stamped score, in sat; 0 is free."
    )
    public static let clockGuard = Setting(
        "ASSAY_CLOCK_GUARD",
        .choice(["on", "off"]),
        "Whether nothing is sold while the Roughtime servers of the list say that the clock is wrong; on with a list."
    )
    public static let clockGuardList = Setting(
        "ASSAY_CLOCK_GUARD_LIST",
        .path,
        "Roughtime server list (RFC 10049) of at least three operators, by which the clock guard judges the clock."
    )

    static let timeStamps = [
        stampPrice, stampServers, stampScoresEvery, stampArchivePrice, clockGuard, clockGuardList,
    ]
}
