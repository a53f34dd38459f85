// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Requests that are answered together: one signature for all that share a version, at most 256 of them.
///
/// A batch belongs to one thread and is used again and again. Requests are received straight into its memory and answers
/// are sent straight out of it; answering allocates nothing for a request, and takes no lock.
public final class AnswerBatch {
    public static let capacity = 256
    /// Room for one request: the longest that is answered, and a little more to notice longer ones.
    public static let requestStride = RequestRules.maximumLength + 64
    /// Room for one answer: the longest is 872 bytes, in Google's version in a full batch, and grease adds 8.
    public static let answerStride = 1024

    /// How often answers of a disputed order of trees may have a signature of their own.
    var budget: SignatureBudget
    let grease: Grease
    private let sha512: Hasher512
    private let sha512First32: Hasher512
    private let sha512_256: Hasher512
    let slots: UnsafeMutablePointer<Slot>
    let tree: TreeScratch
    private let requests: UnsafeMutableRawPointer
    private let answers: UnsafeMutableRawPointer
    private let signatureInput: UnsafeMutableRawPointer
    private let members: UnsafeMutablePointer<Int32>
    private let singles: UnsafeMutablePointer<Int32>
    /// First and last slot of every group, and the groups that have any.
    private let groups: UnsafeMutablePointer<Group>
    private let groupCount: Int
    private let touched: UnsafeMutablePointer<Int32>
    private var touchedCount = 0

    /// Signatures made since this was last reset, by ``Version/index``.
    public private(set) var signatures = [Int](repeating: 0, count: Profile.table.count)
    /// Answers made unusable on purpose.
    public private(set) var greased = 0

    struct Slot {
        var length = 0
        var answerLength = 0
        var request = AcceptedRequest(index: 0, hasType: false, key: 0, nonce: 0..<0, length: 0)
        var reason: DropReason? = .size
        var next: Int32 = -1
        var isGreasy = false
    }

    struct Group {
        var first: Int32 = -1
        var last: Int32 = -1
    }

    /// Makes an empty batch.
    ///
    /// - Parameters:
    ///   - keys: how many long-term keys there are at most.
    ///   - legacySignaturesPerSecond: see ``SignatureBudget``.
    ///   - greaseOneIn: one of so many answers that may be greased is; 0 for none.
    public init(keys: Int = 1, legacySignaturesPerSecond: Int = 2000, greaseOneIn: Int = 0, seed: UInt64 = 0) {
        budget = SignatureBudget(perSecond: legacySignaturesPerSecond)
        grease = Grease(oneIn: greaseOneIn, seed: seed)
        sha512 = Hasher512(.sha512)
        sha512First32 = Hasher512(.sha512First32)
        sha512_256 = Hasher512(.sha512_256)
        slots = .allocate(capacity: Self.capacity)
        slots.initialize(repeating: Slot(), count: Self.capacity)
        tree = TreeScratch(leaves: Self.capacity)
        requests = .allocate(byteCount: Self.capacity * Self.requestStride, alignment: 64)
        requests.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity * Self.requestStride)
        answers = .allocate(byteCount: Self.capacity * Self.answerStride, alignment: 64)
        answers.initializeMemory(as: UInt8.self, repeating: 0, count: Self.capacity * Self.answerStride)
        signatureInput = .allocate(byteCount: 1024, alignment: 64)
        members = .allocate(capacity: Self.capacity)
        members.initialize(repeating: 0, count: Self.capacity)
        singles = .allocate(capacity: 1)
        singles.initialize(to: 0)
        groupCount = 2 * Profile.table.count * max(keys, 1)
        groups = .allocate(capacity: groupCount)
        groups.initialize(repeating: Group(), count: groupCount)
        touched = .allocate(capacity: groupCount)
        touched.initialize(repeating: 0, count: groupCount)
    }

    deinit {
        slots.deallocate()
        requests.deallocate()
        answers.deallocate()
        signatureInput.deallocate()
        members.deallocate()
        singles.deallocate()
        groups.deallocate()
        touched.deallocate()
    }

    /// Where the request of a slot is to be put.
    @inline(__always)
    public func requestBuffer(_ slot: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: requests + slot * Self.requestStride, count: Self.requestStride)
    }

    /// The answer in a slot, until the slot is used again; empty when there is none.
    @inline(__always)
    public func answer(_ slot: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: answers + slot * Self.answerStride, count: slots[slot].answerLength)
    }

    /// Why the request of a slot gets no answer; nil when it gets one.
    @inline(__always)
    public func reason(_ slot: Int) -> DropReason? { slots[slot].reason }

    /// The version in which a slot is answered.
    @inline(__always)
    public func version(_ slot: Int) -> Version { slots[slot].request.version }

    @inline(__always)
    public func versionIndex(_ slot: Int) -> Int { slots[slot].request.index }

    /// Decides about the request in a slot.
    ///
    /// - Parameters:
    ///   - length: its length, above ``requestStride`` if it was cut.
    ///   - mayGrease: whether its answer may be made unusable now and then.
    /// - Returns: whether it will be answered.
    @inline(__always)
    public func take(_ slot: Int, length: Int, rules: RequestRules, mayGrease: Bool) -> Bool {
        slots[slot].length = length
        slots[slot].answerLength = 0
        guard length <= RequestRules.maximumLength else {
            slots[slot].reason = .size
            return false
        }
        let datagram = UnsafeRawBufferPointer(start: requests + slot * Self.requestStride, count: length)
        switch rules.decide(datagram.bytes) {
        case .failure(let reason):
            slots[slot].reason = reason
            return false
        case .success(let request):
            slots[slot].request = request
            slots[slot].reason = nil
            slots[slot].isGreasy = mayGrease && grease.isDue()
            join(slot, request)
            return true
        }
    }

    /// Gives up a slot before it is decided about.
    @inline(__always)
    public func drop(_ slot: Int, _ reason: DropReason) {
        slots[slot].reason = reason
        slots[slot].answerLength = 0
    }

    @inline(__always)
    private func join(_ slot: Int, _ request: AcceptedRequest) {
        let group = 2 * (request.key * Profile.table.count + request.index) + (request.hasType ? 1 : 0)
        guard group < groupCount else {
            slots[slot].reason = .srv
            return
        }
        slots[slot].next = -1
        if groups[group].first < 0 {
            groups[group].first = Int32(slot)
            touched[touchedCount] = Int32(group)
            touchedCount += 1
        } else {
            slots[Int(groups[group].last)].next = Int32(slot)
        }
        groups[group].last = Int32(slot)
    }

    /// Answers every request taken since the last time.
    ///
    /// - Parameters:
    ///   - identities: one for every long-term key, in the order of the rules; nil where there is no delegation.
    ///   - time: read after the last request was received.
    ///   - monotonicNanoseconds: of any clock that never runs backwards.
    public func answer(
        with identities: [OnlineIdentity?],
        at time: StatedTime,
        monotonicNanoseconds: UInt64
    ) {
        budget.refill(at: monotonicNanoseconds)
        for position in 0..<touchedCount {
            let group = Int(touched[position])
            let first = groups[group].first
            groups[group] = Group()
            let key = group / (2 * Profile.table.count)
            guard key < identities.count, let identity = identities[key],
                identity.mayAnswer(at: time.unixMicroseconds)
            else {
                fail(first, .noDelegation)
                continue
            }
            let row = group % (2 * Profile.table.count)
            guard let layouts = identity.layouts(row / 2, hasType: row % 2 == 1) else {
                fail(first, .noDelegation)
                continue
            }
            answerGroup(first, Profile.table[row / 2], row % 2 == 1, layouts, identity, time)
        }
        touchedCount = 0
    }

    /// Drops every request taken since the last time.
    public func dropAll(_ reason: DropReason) {
        for position in 0..<touchedCount {
            let group = Int(touched[position])
            fail(groups[group].first, reason)
            groups[group] = Group()
        }
        touchedCount = 0
    }

    private func fail(_ first: Int32, _ reason: DropReason) {
        var slot = first
        while slot >= 0 {
            drop(Int(slot), reason)
            slot = slots[Int(slot)].next
        }
    }

    private func answerGroup(
        _ first: Int32,
        _ profile: Profile,
        _ hasType: Bool,
        _ layouts: AnswerLayouts,
        _ identity: OnlineIdentity,
        _ time: StatedTime
    ) {
        let batching = profile.batching(hasType: hasType)
        var together = 0
        var slot = first
        while slot >= 0 {
            let next = slots[Int(slot)].next
            let isAlone = batching == .never || slots[Int(slot)].isGreasy || batching == .disputed && budget.spend()
            if isAlone {
                singles[0] = slot
                answerTree(singles, 1, profile, layouts, identity, time)
            } else {
                members[together] = slot
                together += 1
            }
            slot = next
        }
        if together > 0 { answerTree(members, together, profile, layouts, identity, time) }
    }

    private func answerTree(
        _ members: UnsafeMutablePointer<Int32>,
        _ count: Int,
        _ profile: Profile,
        _ layouts: AnswerLayouts,
        _ identity: OnlineIdentity,
        _ time: StatedTime
    ) {
        let hasher = hasher(profile.hash)
        hashLeaves(members, count, profile, hasher)
        let depth = tree.build(count, hasher)
        let layout = layouts[depth]
        layout.bytes.withUnsafeBytes { template in
            guard let template = template.baseAddress else { return }
            let first = Int(members[0])
            let target = answers + first * Self.answerStride
            target.copyMemory(from: template, byteCount: layout.bytes.count)
            fill(target, first, layout, profile, time, hasher.length)
            guard sign(target, layout, layouts.context, identity) else {
                for leaf in 0..<count { drop(Int(members[leaf]), .noDelegation) }
                return
            }
            signatures[profile.index] += 1
            for leaf in 0..<count {
                finish(Int(members[leaf]), leaf, depth, UnsafeRawPointer(target), layout, profile, hasher.length)
            }
        }
    }

    @inline(__always)
    private func hasher(_ hash: TreeHash) -> Hasher512 {
        switch hash {
        case .sha512: sha512
        case .sha512First32: sha512First32
        case .sha512_256: sha512_256
        }
    }

    /// Hashes the leaves, as many neighbours of one length together as there are.
    @inline(__always)
    private func hashLeaves(
        _ members: UnsafeMutablePointer<Int32>,
        _ count: Int,
        _ profile: Profile,
        _ hasher: Hasher512
    ) {
        var start = 0
        var common = 0
        for leaf in 0..<count {
            let slot = Int(members[leaf])
            let packet = UnsafeRawPointer(requests + slot * Self.requestStride)
            let isWhole = profile.leaf == .packet
            let length = isWhole ? slots[slot].length : slots[slot].request.nonce.count
            tree.setLeaf(leaf, isWhole ? packet : packet + slots[slot].request.nonce.lowerBound)
            if length != common {
                if leaf > start { tree.hashLeaves(start..<leaf, length: common, hasher) }
                start = leaf
                common = length
            }
        }
        tree.hashLeaves(start..<count, length: common, hasher)
    }

    /// Writes what is signed into the first answer of a tree.
    @inline(__always)
    private func fill(
        _ target: UnsafeMutableRawPointer,
        _ slot: Int,
        _ layout: AnswerLayout,
        _ profile: Profile,
        _ time: StatedTime,
        _ node: Int
    ) {
        target.storeBytes(
            of: time.radius(profile).littleEndian,
            toByteOffset: layout.radius,
            as: UInt32.self
        )
        target.storeBytes(
            of: profile.timeFormat.encodeMidpoint(unixMicroseconds: time.unixMicroseconds).littleEndian,
            toByteOffset: layout.midpoint,
            as: UInt64.self
        )
        (target + layout.root).copyMemory(from: tree.root, byteCount: node)
        if let place = layout.signedNonce { copyNonce(slot, target + place) }
        if slots[slot].isGreasy, let place = layout.version, layout.signed.contains(place) {
            grease.begin(target, version: place)
        } else if slots[slot].isGreasy {
            grease.begin(target, version: nil)
        }
    }

    @inline(__always)
    private func sign(
        _ target: UnsafeMutableRawPointer,
        _ layout: AnswerLayout,
        _ context: [UInt8],
        _ identity: OnlineIdentity
    ) -> Bool {
        context.withUnsafeBytes {
            if let base = $0.baseAddress { signatureInput.copyMemory(from: base, byteCount: $0.count) }
        }
        (signatureInput + context.count).copyMemory(
            from: target + layout.signed.lowerBound,
            byteCount: layout.signed.count
        )
        let input = UnsafeRawBufferPointer(start: signatureInput, count: context.count + layout.signed.count)
        return identity.sign(input, into: target + layout.signature)
    }

    /// Completes the answer of one leaf.
    @inline(__always)
    private func finish(
        _ slot: Int,
        _ leaf: Int,
        _ depth: Int,
        _ first: UnsafeRawPointer,
        _ layout: AnswerLayout,
        _ profile: Profile,
        _ node: Int
    ) {
        let target = answers + slot * Self.answerStride
        if leaf > 0 { target.copyMemory(from: first, byteCount: layout.bytes.count) }
        if let place = layout.nonce { copyNonce(slot, target + place) }
        tree.copyPath(leaf, depth, node, into: target + layout.path)
        target.storeBytes(of: UInt32(leaf).littleEndian, toByteOffset: layout.index, as: UInt32.self)
        var length = layout.bytes.count
        if slots[slot].isGreasy {
            length = grease.finish(target, length, layout, limit: slots[slot].request.length)
            greased += 1
        }
        guard length <= slots[slot].request.length else { return drop(slot, .amplification) }
        slots[slot].answerLength = length
    }

    @inline(__always)
    private func copyNonce(_ slot: Int, _ target: UnsafeMutableRawPointer) {
        let nonce = slots[slot].request.nonce
        target.copyMemory(from: requests + slot * Self.requestStride + nonce.lowerBound, byteCount: nonce.count)
    }

    /// Takes the counts of signatures by version and of greased answers, and begins anew.
    public func takeCounts(_ body: (_ version: Version, _ signatures: Int) -> Void) -> Int {
        for index in signatures.indices where signatures[index] > 0 {
            body(Profile.table[index].version, signatures[index])
            signatures[index] = 0
        }
        defer { greased = 0 }
        return greased
    }
}
