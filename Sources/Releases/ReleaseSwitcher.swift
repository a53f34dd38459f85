// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ReleaseFormat

/// Installs releases and switches between them, one at a time.
///
/// The order of its steps makes a crash harmless: a release appears whole, the history tells of a switch before it happens,
/// and the link changes in one step.
public struct ReleaseSwitcher: Sendable {
    /// What a command did.
    public struct Outcome: Sendable, Hashable {
        /// The release that is active now.
        public let version: ReleaseVersion
        /// The one that was active before.
        public let former: ReleaseVersion?
        /// Whether anything was switched: `false` when the release had been active and well.
        public let isChanged: Bool
        /// Old releases that were removed.
        public let removed: [ReleaseVersion]
    }

    private let store: ReleaseStore
    private let commands: ServiceCommands
    private let architecture: String
    private let keep: Int
    private let now: @Sendable () -> Int64

    /// Makes a switcher.
    ///
    /// - Parameters:
    ///   - architecture: this machine's, as `uname -m` says it.
    ///   - keep: how many releases stay, 2 or more.
    ///   - now: Unix seconds.
    public init(
        _ store: ReleaseStore,
        commands: ServiceCommands,
        architecture: String,
        keep: Int = 5,
        now: @escaping @Sendable () -> Int64
    ) {
        self.store = store
        self.commands = commands
        self.architecture = architecture
        self.keep = max(2, keep)
        self.now = now
    }

    /// Checks an archive, unpacks it and makes it the active release.
    ///
    /// The same release again is checked, and finished if it was interrupted.
    /// - Throws: ``ReleaseError``; `.unhealthy` when the former release is active again.
    public func install(
        _ path: String,
        allowDowngrade: Bool = false
    ) async throws(ReleaseError) -> Outcome {
        let lock = try store.prepare()
        defer { withExtendedLifetime(lock) {} }
        let archive = ReleaseArchive(path)
        let signed = try archive.check(.keys(store.keys))
        let version = signed.manifest.version
        let current = try store.current()
        try approve(signed.manifest, current, allowDowngrade)
        if try store.installed().contains(version) {
            try replaceIfBroken(signed)
        }
        if try !store.installed().contains(version) {
            try store.add(archive) { (unpacked: SignedManifest) throws(ReleaseError) in
                guard unpacked == signed else {
                    throw ReleaseError(.altered, "\(path) was changed while it was being installed")
                }
            }
        }
        return try await activate(version, reason: .install)
    }

    /// Goes back to the release that was active before the current one.
    ///
    /// - Throws: ``ReleaseError``; `.missing` when there is none.
    public func rollBack() async throws(ReleaseError) -> Outcome {
        let lock = try store.prepare()
        defer { withExtendedLifetime(lock) {} }
        guard let version = try store.history().previous(current: try store.current()) else {
            throw ReleaseError(.missing, "no other release has been active before: see 'assay release releases'")
        }
        return try await activate(version, reason: .rollback)
    }

    /// Goes to the n-th newest of the installed releases, counted from 1.
    ///
    /// - Throws: ``ReleaseError``; `.missing` when there are fewer.
    public func rollBack(to number: Int) async throws(ReleaseError) -> Outcome {
        let lock = try store.prepare()
        defer { withExtendedLifetime(lock) {} }
        let installed = try store.installed()
        guard installed.indices.contains(number - 1) else {
            throw ReleaseError(.missing, "there are \(installed.count) releases: see 'assay release releases'")
        }
        return try await activate(installed[number - 1], reason: .rollback)
    }

    private func approve(
        _ manifest: ReleaseManifest,
        _ current: ReleaseVersion?,
        _ allowDowngrade: Bool
    ) throws(ReleaseError) {
        guard manifest.architecture == architecture else {
            throw ReleaseError(
                .unsuitable,
                "release \(manifest.version) is for \(manifest.architecture), and this machine is \(architecture)"
            )
        }
        guard let current else { return }
        if manifest.version < current, !allowDowngrade {
            throw ReleaseError(
                .unsuitable,
                "release \(manifest.version) is older than the active \(current): use 'assay release rollback', or "
                    + "--allow-downgrade"
            )
        }
        if let minimum = manifest.minimumPredecessor, current < minimum {
            throw ReleaseError(
                .unsuitable,
                "release \(manifest.version) can follow \(minimum) or newer, and \(current) is active: install "
                    + "\(minimum) first"
            )
        }
    }

    /// Compares a release with the installed one of the same version; one that is damaged and not active is removed.
    private func replaceIfBroken(_ signed: SignedManifest) throws(ReleaseError) {
        let version = signed.manifest.version
        let installed: SignedManifest
        do {
            installed = try store.verify(version)
        } catch {
            guard try store.current() != version else {
                throw ReleaseError(
                    error.code,
                    "the active release \(version) is damaged; roll back, then install it again: \(error.detail)"
                )
            }
            return try store.remove(version)
        }
        guard installed.manifest == signed.manifest else {
            throw ReleaseError(
                .unsuitable,
                "another release of the version \(version) is installed: give this one a version of its own"
            )
        }
    }

    /// Makes an installed release the active one and sees whether it is healthy.
    private func activate(
        _ version: ReleaseVersion,
        reason: ReleaseHistory.Switch.Reason
    ) async throws(ReleaseError) -> Outcome {
        try store.verify(version)
        var history = try store.history()
        let current = try store.current()
        let isUnfinished = history.unfinished == current && current != nil
        if current == version, !isUnfinished, history.lastActive(version) != nil {
            return Outcome(version: version, former: nil, isChanged: false, removed: [])
        }
        // A release that was never seen healthy is nothing to go back to.
        let former = isUnfinished || current == version ? history.previous(current: version) : current
        history.begin(version, reason: reason, time: now())
        try store.save(history)
        try store.setCurrent(version)
        if let problem = await commands.restartAndCheck() {
            throw await switchBack(to: former, from: version, &history, problem)
        }
        history.finish(.active)
        try store.save(history)
        return Outcome(version: version, former: former, isChanged: true, removed: prune(history, version))
    }

    private func switchBack(
        to former: ReleaseVersion?,
        from version: ReleaseVersion,
        _ history: inout ReleaseHistory,
        _ problem: String
    ) async -> ReleaseError {
        let beginning = "release \(version) did not become healthy: \(problem). "
        do {
            if let former { try store.verify(former) }
            try store.setCurrent(former)
            history.finish(.failed)
            try store.save(history)
        } catch {
            return ReleaseError(.unhealthy, beginning + "Switching back failed as well: \(error.detail)")
        }
        guard let former else {
            return ReleaseError(.unhealthy, beginning + "No release was active before, and none is now.")
        }
        if let problem = await commands.restartAndCheck() {
            return ReleaseError(.unhealthy, beginning + "Release \(former) is active again, but: \(problem).")
        }
        return ReleaseError(.unhealthy, beginning + "Release \(former) is active again and healthy.")
    }

    /// Removes what need not stay; the new release is active whether or not that succeeds.
    private func prune(_ history: ReleaseHistory, _ current: ReleaseVersion) -> [ReleaseVersion] {
        guard let installed = try? store.installed() else { return [] }
        return history.removable(installed: installed, current: current, keep: keep)
            .filter { (try? store.remove($0)) != nil }
    }
}
