// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// Where a hop lies, and what anybody can see about that place.
public struct HopPlace: Sendable, Hashable {
    public let direction: ChannelDirection
    /// The node that forwards.
    public let from: NodeID
    /// The node that receives the HTLC.
    public let to: NodeID
    /// Size of the channel in msat.
    public let capacityMsat: Double
    /// ln of the sender's number of peers over the receiver's, -3 to 3: positive when the larger node sends.
    public let lean: Double
    /// What sort of node the receiver is, as far as the graph tells.
    public let group: UInt8
}
