// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What one end of a channel asks for forwarding in its direction (BOLT 7, `channel_update`).
public struct ChannelPolicy: Sendable, Hashable {
    /// Fixed fee in msat, 0 to 2^32 - 1.
    public var baseFeeMsat: Int64
    /// Proportional fee in millionths, 0 to 2^32 - 1; real graphs hold the largest value.
    public var feePPM: Int64
    /// Blocks the hop adds to the time lock, 0 to 2^32 - 1.
    public var timeLockDelta: Int64
    /// The smallest HTLC forwarded, in msat.
    public var minHTLCMsat: Int64
    /// The largest HTLC forwarded, in msat; 0 when the node announced none.
    public var maxHTLCMsat: Int64
    /// Fixed part of the inbound fee in msat; negative is a discount.
    public var inboundBaseFeeMsat: Int64
    /// Proportional part of the inbound fee in millionths; negative is a discount.
    public var inboundFeePPM: Int64
    /// Whether the node says that the direction must not be used.
    public var isDisabled: Bool
    /// Time of the gossip message, Unix seconds; 0 when unknown.
    public var lastUpdate: Int64

    public init(
        baseFeeMsat: Int64 = 0,
        feePPM: Int64 = 0,
        timeLockDelta: Int64 = 0,
        minHTLCMsat: Int64 = 0,
        maxHTLCMsat: Int64 = 0,
        inboundBaseFeeMsat: Int64 = 0,
        inboundFeePPM: Int64 = 0,
        isDisabled: Bool = false,
        lastUpdate: Int64 = 0
    ) {
        self.baseFeeMsat = baseFeeMsat
        self.feePPM = feePPM
        self.timeLockDelta = timeLockDelta
        self.minHTLCMsat = minHTLCMsat
        self.maxHTLCMsat = maxHTLCMsat
        self.inboundBaseFeeMsat = inboundBaseFeeMsat
        self.inboundFeePPM = inboundFeePPM
        self.isDisabled = isDisabled
        self.lastUpdate = lastUpdate
    }

    /// Whether the numbers mean anything.
    ///
    /// Some sources drop the numbers of a disabled direction and leave zeros: that is "unknown", never "free".
    public var isKnown: Bool { !(isDisabled && timeLockDelta == 0) }

    /// The fee for forwarding an amount, in msat, at most `Int64.max`.
    ///
    /// The proportional part is rounded down, as BOLT 7 says. Never overflows: 2^32 - 1 millionths of 1,000,000 sat is
    /// 4.3 million sat, and larger products saturate.
    /// - Precondition: `amountMsat >= 0`.
    public func feeMsat(forAmountMsat amountMsat: Int64) -> Int64 {
        let product = UInt64(amountMsat).multipliedFullWidth(by: UInt64(max(0, feePPM)))
        guard product.high < 1_000_000 else { return .max }
        let proportional = UInt64(1_000_000).dividingFullWidth(product).quotient
        let (sum, overflow) = proportional.addingReportingOverflow(UInt64(max(0, baseFeeMsat)))
        return overflow ? .max : Int64(clamping: sum)
    }
}
