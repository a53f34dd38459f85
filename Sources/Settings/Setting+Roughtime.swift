// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension Setting {
    /// Seconds that a delegation lasts.
    public static let roughtimeDelegationSeconds = Setting(
        "ASSAY_ROUGHTIME_DELEGATION_SECONDS",
        .integer(61...259_200),
        default: "172800",
        "Seconds from the signing of a Roughtime delegation to its end."
    )
    /// Seconds after which a responder takes a new online key.
    public static let roughtimeRotateSeconds = Setting(
        "ASSAY_ROUGHTIME_ROTATE_SECONDS",
        .integer(1...691_200),
        default: "86400",
        "Seconds after which the Roughtime responder makes a new online key and asks for its delegation."
    )
    /// What holds while the clock is not synchronised.
    public static let roughtimeUnsynchronised = Setting(
        "ASSAY_ROUGHTIME_UNSYNC",
        .choice(["silent", "wide"]),
        default: "silent",
        "While the kernel says that the clock is not synchronised: sign nothing, or go on with a radius of 16 s or more."
    )

    static let roughtime = [roughtimeDelegationSeconds, roughtimeRotateSeconds, roughtimeUnsynchronised]
}
