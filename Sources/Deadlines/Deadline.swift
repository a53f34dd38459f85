// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The time given to an operation ran out.
public struct DeadlineExceeded: Error, Sendable {
    public init() {}
}

/// Runs an operation that is cancelled when its time is up.
///
/// The operation has ended when this returns or throws, so it must take notice of its cancellation.
/// - Throws: what the operation throws, or ``DeadlineExceeded``.
public func withDeadline<Result: Sendable>(
    _ deadline: Duration,
    _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    let task = Task { try await operation() }
    let watch = DeadlineWatch.shared.watch(for: deadline) { task.cancel() }
    let outcome = await withTaskCancellationHandler {
        await task.result
    } onCancel: {
        task.cancel()
    }
    guard DeadlineWatch.shared.end(watch) else { throw DeadlineExceeded() }
    return try outcome.get()
}
