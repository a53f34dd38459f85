// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// Carries one request to a server and an answer back.
public protocol TimeTransport: Sendable {
    /// Sends a request and waits for the first answer that is accepted; all others are ignored, not believed in part.
    ///
    /// - Parameters:
    ///   - patience: how long to wait.
    ///   - accept: checks an answer.
    func exchange(
        _ request: [UInt8],
        with endpoint: Endpoint,
        patience: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Result<VerifiedResponse, VerificationFailure>
    ) async throws(ExchangeFailure) -> Reception
}

/// An answer that was accepted, and when.
public struct Reception: Sendable, Equatable {
    public var response: [UInt8]
    public var verified: VerifiedResponse
    /// When the request left and the answer came, in microseconds of the clock that cannot be set.
    public var sent: Int64
    public var received: Int64

    public init(response: [UInt8], verified: VerifiedResponse, sent: Int64, received: Int64) {
        self.response = response
        self.verified = verified
        self.sent = sent
        self.received = received
    }
}
