// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The Unix socket for the gateway.
enum LocalSocket {
    /// Listens; what a former process left behind is removed, unless somebody still listens there.
    static func listen(_ path: String) throws(ResponderError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw ResponderError("the path of the local socket is too long: \(path)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue),
            0
        )
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let isBound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Bool in
                if connect(descriptor, pointer, length) == 0 {
                    errno = EADDRINUSE
                    return false
                }
                // Whoever has too much to do to take us now is still there.
                guard errno != EAGAIN else {
                    errno = EADDRINUSE
                    return false
                }
                var status = stat()
                if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unlink(path) }
                return bind(descriptor, pointer, length) == 0
            }
        }
        // The group of the responder may ask; nobody else.
        guard isBound, chmod(path, 0o660) == 0, Glibc.listen(descriptor, 128) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw ResponderError("cannot listen on \(path): \(reason)")
        }
        return descriptor
    }
}
