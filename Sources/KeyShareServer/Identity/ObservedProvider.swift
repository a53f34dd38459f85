// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IdentityProviders
internal import Metrics

/// A provider whose answers are counted and timed.
struct ObservedProvider: IdentityProvider {
    private let provider: any IdentityProvider
    private let timer: Timer
    private let refusals: Counter
    private let outages: Counter

    init(_ name: String, _ provider: any IdentityProvider) {
        self.provider = provider
        timer = Timer(label: "ks_provider_seconds", dimensions: [("provider", name)])
        refusals = Counter(
            label: "ks_auth_failures_total",
            dimensions: [("provider", name), ("reason", "unauthorized")]
        )
        outages = Counter(label: "ks_auth_failures_total", dimensions: [("provider", name), ("reason", "unavailable")])
    }

    func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        let begin = ContinuousClock.now
        defer { timer.record(duration: .now - begin) }
        do throws(IdentityFailure) { return try await provider.identity(of: login) } catch {
            switch error {
            case .unauthorized: refusals.increment()
            case .unavailable: outages.increment()
            }
            throw error
        }
    }
}
