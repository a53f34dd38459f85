// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Macaroons

/// Why a token cannot be narrowed as asked.
public struct NarrowingRefused: Error, Hashable, CustomStringConvertible {
    public let description: String
}

extension Macaroon {
    /// Returns the token narrowed by more caveats; a holder needs neither the key nor the service for it.
    ///
    /// - Parameter conditions: caveats such as `n_uses=3`, in order. Those of other applications are added as they are.
    /// - Throws: ``NarrowingRefused`` when a caveat has no value a gate could evaluate, is wider than one before it, or
    ///   makes the token larger than a gate accepts: a gate would refuse the token.
    public func narrowed(by conditions: [String]) throws(NarrowingRefused) -> Macaroon {
        let service = serviceName
        var effective: [String: CaveatValue] = [:]
        var result = self
        for (index, caveat) in (caveats + conditions.map { Caveat(identifier: Array($0.utf8)) }).enumerated() {
            let isNew = index >= caveats.count
            do {
                guard caveat.verificationID == nil else { throw Refusal(.thirdPartyCaveat) }
                let (condition, value) = try CaveatChecker.read(caveat, service: service)
                if let value {
                    if let previous = effective[condition], !value.isWithin(previous) {
                        throw NarrowingRefused(description: Self.wider(caveat, previous, isNew: isNew))
                    }
                    effective[condition] = value
                }
            } catch let refused as NarrowingRefused {
                throw refused
            } catch {
                let place = isNew ? "'\(caveat.printable)'" : "the token's own caveat \(index + 1)"
                throw NarrowingRefused(description: "\(place) would be refused: \(error)")
            }
            if isNew { result = result.adding(caveat) }
        }
        do {
            _ = try Macaroon(parsing: result.serialized())
        } catch {
            throw NarrowingRefused(description: "the narrowed token is more than a gate accepts: \(error)")
        }
        return result
    }

    private static func wider(_ caveat: Caveat, _ previous: CaveatValue, isNew: Bool) -> String {
        isNew
            ? "'\(caveat.printable)' is wider than what the token has already: \(previous.meaning)"
            : "the token's own caveat '\(caveat.printable)' is wider than one before it: no gate accepts it"
    }

    /// The condition with which the token's expiry is narrowed: the one it has, so that gates compare the two.
    public var expiryCondition: String {
        let own = "\(serviceName)_valid_until"
        return caveats.contains { $0.text?.hasPrefix("\(own)=") ?? false } ? own : "valid_until"
    }
}
