// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ServiceLifecycle
import Synchronization
import Testing
import WatchedFiles

@Suite("Watching files")
struct FileWatchTests {
    /// A directory that is removed with the test.
    final class Place: Sendable {
        let path = NSTemporaryDirectory() + "watched-\(UUID().uuidString)"
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
        var file: String { path + "/file" }
        func write(_ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        }
    }

    final class Notes: Sendable {
        private let kept = Mutex<[FileWatch.Finding]>([])
        func add(_ finding: FileWatch.Finding) { kept.withLock { $0.append(finding) } }
        var texts: [String] {
            kept.withLock {
                $0.map { finding in
                    (try? finding.get()).map { String(decoding: $0.bytes, as: UTF8.self) } ?? "unreadable"
                }
            }
        }
    }

    @Test("a replaced file is told, an unchanged one is not")
    func changes() async throws {
        let place = try Place()
        try place.write("one")
        let file = WatchedFile(path: place.file, limit: 100)
        let first = try await file.contents()
        let (stream, continuation) = AsyncStream<String>.makeStream()
        let watch = FileWatch(file, known: first, interval: .milliseconds(1)) { finding in
            continuation.yield((try? finding.get()).map { String(decoding: $0.bytes, as: UTF8.self) } ?? "unreadable")
        }
        let running = Task { try await watch.run() }
        var seen = stream.makeAsyncIterator()
        try place.write("two, longer")
        #expect(await seen.next() == "two, longer")
        try FileManager.default.removeItem(atPath: place.file)
        #expect(await seen.next() == "unreadable")
        try place.write("three")
        #expect(await seen.next() == "three")
        running.cancel()
        try await running.value
    }

    @Test("a reload on demand tells the file even if it is the same")
    func demand() async throws {
        let place = try Place()
        try place.write("same")
        let notes = Notes()
        let watch = FileWatch(WatchedFile(path: place.file, limit: 100)) { notes.add($0) }
        await watch.reload()
        await watch.reload()
        #expect(notes.texts == ["same", "same"])
    }

    @Test("a file that is empty, missing or too large is unreadable, and the path is named")
    func unreadable() async throws {
        let place = try Place()
        let file = WatchedFile(path: place.file, limit: 4)
        for text in [nil, "", "12345"] {
            if let text { try place.write(text) }
            let error = await #expect(throws: WatchedFile.Unreadable.self) { try await file.contents(fresh: true) }
            #expect(error?.description.contains(place.file) == true)
        }
        try place.write("1234")
        #expect(try await file.contents(fresh: true).bytes.count == 4)
    }

    @Test("the generation rises with every version and only then")
    func generations() async throws {
        let place = try Place()
        try place.write("a")
        let file = WatchedFile(path: place.file, limit: 100)
        let first = try await file.contents(fresh: true)
        #expect(try await file.contents(fresh: true) == first)
        try place.write("bb")
        #expect(try await file.contents(fresh: true).generation == first.generation + 1)
    }
}
