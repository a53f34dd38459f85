// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Bounds the signatures that serve a single request although they could serve many.
///
/// Clients of some drafts disagree about the order of a tree's children. A tree of one leaf suits all of them, at the price
/// of a signature each; beyond the budget they share trees in the natural order.
struct SignatureBudget {
    private let perSecond: Int
    private var left: Double
    private var filledAt: UInt64?

    init(perSecond: Int) {
        self.perSecond = max(perSecond, 0)
        left = Double(self.perSecond)
    }

    mutating func refill(at nanoseconds: UInt64) {
        if let filledAt, nanoseconds > filledAt {
            left = min(Double(perSecond), left + Double(nanoseconds - filledAt) * Double(perSecond) / 1e9)
        }
        filledAt = nanoseconds
    }

    mutating func spend() -> Bool {
        guard left >= 1 else { return false }
        left -= 1
        return true
    }
}
