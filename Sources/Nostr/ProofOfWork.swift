// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import LightningPrimitives

extension NostrEvent {
    /// The work the sender committed to: the third element of the `nonce` tag (NIP-13), or `nil` when it is no number.
    public var committedWork: Int? {
        guard let tag = tag("nonce"), tag.count >= 3 else { return nil }
        return Int(tag[2])
    }

    /// Whether the event was mined for at least this many leading zero bits: they are there and were committed to.
    ///
    /// Without the commitment a lucky event of a lesser target would pass. Nothing is asked for 0 bits.
    public func hasWork(_ bits: Int) -> Bool {
        if bits <= 0 { return true }
        guard let committedWork, committedWork >= bits else { return false }
        return id.leadingZeroBits >= bits
    }
}

extension UnsignedEvent {
    /// Finds a `nonce` tag with which the id begins with this many zero bits (NIP-13).
    ///
    /// It takes about 2 to the power of `bits` hashes, 16 bits well under a second.
    /// - Parameter attempts: gives up after so many hashes.
    /// - Returns: `nil` when it gave up, or when its task was cancelled.
    public func mined(bits: Int, attempts: UInt64 = 1 << 32) -> UnsignedEvent? {
        var event = self
        event.tags.removeAll { $0.first == "nonce" }
        event.tags.append(["nonce", "", String(bits)])
        var tail = Array("\",\"\(bits)\"]],".utf8)
        JSONText.append(content, to: &tail)
        tail.append(UInt8(ascii: "]"))
        // The number stands between the two, so what comes before it is hashed once.
        let head = event.canonicalForm.dropLast(tail.count)
        var before = SHA256()
        before.update(data: head)
        for nonce in 0..<attempts {
            if nonce.isMultiple(of: 65536), Task.isCancelled { return nil }
            var hash = before
            let number = String(nonce)
            hash.update(data: Array(number.utf8) + tail)
            guard let id = EventID(Array(hash.finalize())), id.leadingZeroBits >= bits else { continue }
            event.tags[event.tags.count - 1][1] = number
            return event
        }
        return nil
    }
}
