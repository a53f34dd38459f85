// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A process to keep running: what to start and where its messages go.
public struct Child: Sendable {
    /// The name under which it is logged and listed.
    public let name: String
    public let executable: String
    public let arguments: [String]
    /// The whole environment; nothing is inherited.
    public let environment: [String: String]
    /// The file that standard output and standard error are appended to.
    public let logFile: String

    public init(name: String, executable: String, arguments: [String], environment: [String: String], logFile: String) {
        self.name = name
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.logFile = logFile
    }
}
