// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FROST
public import Pomade
public import Secp256k1

/// One helper's side of making a lost share again (`/x/repair`).
///
/// Deltas and sums are secret: whoever carries them encrypts them to their receiver.
public struct RepairHelper: Sendable {
    /// What to send to each other helper.
    public let outgoing: [Identifier: Scalar]
    private let helpers: [Identifier]
    private var received: [Identifier: Scalar]

    /// Splits this share's part of the lost one.
    ///
    /// - Parameters:
    ///   - helpers: all helpers in the same order everywhere, this signer among them, the target not.
    ///   - target: whose share was lost.
    /// - Throws: `bad_members`.
    public init(share: SignerShare, helpers: [Int], target: Int) throws(SignerFailure) {
        let helpers = try share.members(helpers)
        let target = try share.registered.participant(target)
        var deltas: [Identifier: Scalar]
        do throws(FROSTError) {
            deltas = try Repair.deltas(
                of: share.share,
                helpers: helpers,
                target: target,
                group: share.registered.group
            )
        } catch {
            throw SignerFailure(.badMembers, "A share is made again by other members, not by its own.")
        }
        received = [share.share.identifier: deltas.removeValue(forKey: share.share.identifier) ?? .zero]
        self.helpers = helpers
        outgoing = deltas
    }

    /// Takes another helper's delta, once.
    ///
    /// - Throws: `bad_members` for a stranger's or a second one.
    public mutating func receive(_ delta: Scalar, from helper: Int) throws(SignerFailure) {
        guard let helper = Identifier(helper), helpers.contains(helper), received[helper] == nil else {
            throw SignerFailure(.badMembers, "Each helper sends one delta.")
        }
        received[helper] = delta
    }

    /// What to send to the target, as soon as all deltas are here.
    public var sigma: Scalar? { received.count == helpers.count ? Repair.sigma(Array(received.values)) : nil }
}

/// The side of the signer whose share was lost.
public struct RepairTarget: Sendable {
    private let group: RegisteredGroup
    private let target: Identifier
    private let helpers: [Identifier]
    private var received: [Identifier: Scalar] = [:]

    /// Waits for the helpers' sums.
    ///
    /// - Throws: `bad_members`.
    public init(group: RegisteredGroup, target: Int, helpers: [Int]) throws(SignerFailure) {
        self.helpers = try group.members(helpers, own: nil)
        self.target = try group.participant(target)
        self.group = group
        guard !self.helpers.contains(self.target) else {
            throw SignerFailure(.badMembers, "A share is made again by other members, not by its own.")
        }
    }

    /// Takes a helper's sum, once.
    ///
    /// - Throws: `bad_members` for a stranger's or a second one.
    public mutating func receive(_ sigma: Scalar, from helper: Int) throws(SignerFailure) {
        guard let helper = Identifier(helper), helpers.contains(helper), received[helper] == nil else {
            throw SignerFailure(.badMembers, "Each helper sends one sum.")
        }
        received[helper] = sigma
    }

    /// The share, as soon as all sums are here.
    ///
    /// - Throws: `bad_members` while a sum is missing, `bad_share` when a helper sent something else than its sum.
    public func share() throws(SignerFailure) -> SignerShare {
        guard received.count == helpers.count else {
            throw SignerFailure(.badMembers, "The sums of some helpers are missing.")
        }
        guard let share = try? Repair.share(of: target, from: received, group: group.group),
            group.group.publicShares[target] == share.publicShare
        else { throw SignerFailure(.badShare, "The helpers' sums do not make the share: begin again.") }
        return SignerShare(registered: group, share: share)
    }
}

extension RegisteredGroup {
    fileprivate func participant(_ number: Int) throws(SignerFailure) -> Identifier {
        guard let identifier = Identifier(number), group.publicShares[identifier] != nil else {
            throw SignerFailure(.badMembers, "The target is no member of the group.")
        }
        return identifier
    }
}
