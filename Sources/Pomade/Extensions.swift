// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Bodies and answers of the routes below /x/, which are ours.

extension PomadeBody {
    /// `/x/policy`.
    public struct PolicyChange: Sendable, Codable {
        public let client: Hex32
        /// Takes the place of the whole policy before.
        public let policy: SessionPolicy

        public init(client: Hex32, policy: SessionPolicy) {
            self.client = client
            self.policy = policy
        }
    }
}
