// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

extension AnswerBatch {
    /// Answers some packets at once, for callers that have them in arrays.
    ///
    /// - Parameter packets: at most ``capacity``; the rest is dropped as ``DropReason/size``.
    /// - Returns: an answer or the reason for none, for every packet in its place.
    public func answers(
        to packets: [[UInt8]],
        rules: RequestRules,
        identities: [OnlineIdentity?],
        time: StatedTime,
        monotonicNanoseconds: UInt64 = 0
    ) -> [Result<[UInt8], DropReason>] {
        for (slot, packet) in packets.prefix(Self.capacity).enumerated() {
            put(packet, slot)
            _ = take(slot, length: packet.count, rules: rules, mayGrease: false)
        }
        answer(with: identities, at: time, monotonicNanoseconds: monotonicNanoseconds)
        return packets.indices.map { slot in
            guard slot < Self.capacity else { return .failure(.size) }
            if let reason = reason(slot) { return .failure(reason) }
            return .success(Array(answer(slot)))
        }
    }

    /// Copies a packet into a slot, as far as there is room.
    public func put(_ packet: [UInt8], _ slot: Int) {
        let room = requestBuffer(slot)
        packet.withUnsafeBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(room.count))) }
    }
}
