// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CArgon2

/// Argon2id version 1.3 (RFC 9106).
public struct Argon2id: Sendable, Hashable {
    /// In KiB.
    public var memory: UInt32
    public var iterations: UInt32
    /// Part of the result; all lanes are filled by the calling thread.
    public var lanes: UInt32
    /// Bytes of the result.
    public var size: Int

    public init(memory: UInt32, iterations: UInt32, lanes: UInt32, size: Int) {
        self.memory = memory
        self.iterations = iterations
        self.lanes = lanes
        self.size = size
    }

    /// What Pomade signers and their clients use: 64 MiB, 3 iterations, 2 lanes, 32 bytes.
    public static let pomade = Argon2id(memory: 65536, iterations: 3, lanes: 2, size: 32)

    /// The same with 1 MiB, for tests only.
    public static let pomadeTest = Argon2id(memory: 1024, iterations: 3, lanes: 2, size: 32)

    /// Hashes a password on the calling thread, which takes some 0.2 s with ``pomade``.
    ///
    /// - Parameter salt: at least 8 bytes.
    /// - Throws: ``HashingError/refused(_:)``.
    public func hash(_ password: [UInt8], salt: [UInt8]) throws(HashingError) -> [UInt8] {
        var (password, salt) = (password, salt)
        var output = [UInt8](repeating: 0, count: size)
        let status = password.withUnsafeMutableBufferPointer { password in
            salt.withUnsafeMutableBufferPointer { salt in
                output.withUnsafeMutableBufferPointer { output in
                    fill(output, password: password, salt: salt)
                }
            }
        }
        guard status == ARGON2_OK.rawValue else {
            throw .refused(argon2_error_message(status).map { String(cString: $0) } ?? "error \(status)")
        }
        return output
    }

    private func fill(
        _ output: UnsafeMutableBufferPointer<UInt8>,
        password: UnsafeMutableBufferPointer<UInt8>,
        salt: UnsafeMutableBufferPointer<UInt8>
    ) -> Int32 {
        var context = argon2_context()
        context.out = output.baseAddress
        context.outlen = UInt32(clamping: output.count)
        context.pwd = password.baseAddress
        context.pwdlen = UInt32(clamping: password.count)
        context.salt = salt.baseAddress
        context.saltlen = UInt32(clamping: salt.count)
        context.t_cost = iterations
        context.m_cost = memory
        context.lanes = lanes
        // One thread: the number of workers, not of requests, decides how many cores hashing may take.
        context.threads = 1
        context.version = ARGON2_VERSION_13.rawValue
        return argon2id_ctx(&context)
    }
}

/// Why a password was not hashed.
public enum HashingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The queue is full: try again later.
    case busy
    /// The caller's task was cancelled while it waited.
    case cancelled
    /// The library refused its parameters or had no memory.
    case refused(String)

    public var description: String {
        switch self {
        case .busy: "too many passwords wait to be hashed: try again in a few seconds"
        case .cancelled: "the request was given up before its turn"
        case .refused(let reason): "argon2id: \(reason)"
        }
    }
}
