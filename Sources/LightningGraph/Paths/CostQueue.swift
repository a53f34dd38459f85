// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A binary heap of nodes by cost, cheapest first; of equal costs the smaller index, so that runs repeat exactly.
struct CostQueue {
    struct Entry {
        let cost: Double
        let node: Int32
    }

    private var heap: [Entry] = []

    mutating func push(node: Int32, cost: Double) {
        let entry = Entry(cost: cost, node: node)
        var index = heap.count
        heap.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            guard Self.precedes(entry, heap[parent]) else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    mutating func pop() -> Entry? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        var index = 0
        while true {
            var child = index * 2 + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, Self.precedes(heap[child + 1], heap[child]) { child += 1 }
            guard Self.precedes(heap[child], last) else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = last
        return first
    }

    private static func precedes(_ a: Entry, _ b: Entry) -> Bool {
        a.cost != b.cost ? a.cost < b.cost : a.node < b.node
    }
}
