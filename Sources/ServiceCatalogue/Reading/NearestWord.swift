// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Finds the word somebody meant.
enum NearestWord {
    /// The known word with the least edits to get there, if they are few.
    static func to(_ word: String, among known: [String]) -> String? {
        let best = known.map { (word: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }
            .min { $0.distance < $1.distance }
        guard let best, best.distance <= max(best.word.utf8.count < 4 ? 1 : 2, best.word.utf8.count / 3) else {
            return nil
        }
        return best.word
    }

    /// Insertions, deletions and replacements between two words (Levenshtein).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        // Words nobody could have meant need no table.
        guard abs(left.count - right.count) <= 8 else { return 9 }
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
