// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What LND's sentences mean.
///
/// LND answers nearly everything with code 2 (unknown), so the sentence has to carry the meaning. The table is data: a
/// sentence that is not in it means `unclassified`, from which nothing follows.
enum ErrorMeanings {
    /// A part of a sentence, in lower case.
    private struct Entry: Decodable {
        let part: String
        let meaning: LNDError.Meaning
    }

    /// Sentences by the first version of LND that says them; where several match, the newest one's meaning holds.
    private static let json = """
        {
            "0.0.0": [
                {"part": "unable to find a path", "meaning": "no_route"},
                {"part": "insufficient local balance", "meaning": "insufficient_local_balance"},
                {"part": "invoice with payment hash already exists", "meaning": "invoice_already_exists"},
                {"part": "invoice already settled", "meaning": "invoice_already_settled"},
                {"part": "invoice is already paid", "meaning": "already_paid"},
                {"part": "payment is in transition", "meaning": "already_paid"},
                {"part": "invoice expired. valid until", "meaning": "invoice_expired"},
                {"part": "invoice not for current active network", "meaning": "wrong_network"},
                {"part": "unable to locate invoice", "meaning": "not_found"},
                {"part": "unable to find node", "meaning": "not_found"},
                {"part": "edge not found", "meaning": "not_found"},
                {"part": "wallet not created", "meaning": "not_ready"},
                {"part": "wallet locked", "meaning": "not_ready"},
                {"part": "rpc server is in the process of starting", "meaning": "not_ready"},
                {"part": "waiting to start", "meaning": "not_ready"},
                {"part": "server is still in the process of starting", "meaning": "not_ready"},
                {"part": "expected 1 macaroon", "meaning": "macaroon_refused"},
                {"part": "verification failed", "meaning": "macaroon_refused"},
                {"part": "cannot determine data format of binary-encoded macaroon", "meaning": "macaroon_refused"},
                {"part": "cannot get macaroon", "meaning": "macaroon_refused"},
                {"part": "permission denied", "meaning": "macaroon_refused"},
                {"part": "encoding/hex", "meaning": "macaroon_refused"}
            ]
        }
        """

    private static let table: [(since: NodeVersion, entries: [Entry])] = {
        do {
            let table = try JSONDecoder().decode([String: [Entry]].self, from: Data(json.utf8))
            return table.map { (NodeVersion($0.key), $0.value) }.sorted { $0.0 > $1.0 }
        } catch {
            preconditionFailure("the table of meanings is no JSON: \(error)")
        }
    }()

    /// - Parameter version: of the node, as it says itself; while it is empty every entry holds.
    static func meaning(code: Int?, message: String, version: String = "") -> LNDError.Meaning {
        let text = message.lowercased()
        let node = NodeVersion(version)
        for (since, entries) in table where version.isEmpty || since <= node {
            if let entry = entries.first(where: { text.contains($0.part) }) { return entry.meaning }
        }
        switch code {
        case 3: return .invalidArgument
        case 5: return .notFound
        case 6: return .alreadyPaid
        default: return .unclassified
        }
    }
}

/// The numbers a version begins with, such as 0.21.1 of `0.21.1-beta.rc2`.
struct NodeVersion: Comparable, Sendable {
    private let numbers: [Int]

    init(_ text: String) {
        let start = text.prefix { $0.isWholeNumber || $0 == "." }
        numbers = start.split(separator: ".").map { Int($0) ?? 0 }
    }

    static func < (one: NodeVersion, other: NodeVersion) -> Bool {
        one.numbers.lexicographicallyPrecedes(other.numbers)
    }
}
