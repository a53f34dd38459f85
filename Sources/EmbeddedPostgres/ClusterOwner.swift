// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The user a server runs as: we ourselves, or an unprivileged one when we are root, because PostgreSQL refuses root.
struct ClusterOwner: Sendable, Hashable {
    let name: String
    let userID: UInt32
    let groupID: UInt32
    /// Whether a child has to change its user.
    let isOther: Bool

    /// Chooses the user.
    ///
    /// - Parameter dataOwner: the owner of an existing data directory, which root prefers.
    static func choose(dataOwner: UInt32?) throws(EmbeddedPostgresError) -> ClusterOwner {
        let ourselves = geteuid()
        guard ourselves == 0 else {
            guard let owner = named(userID: ourselves) else {
                throw EmbeddedPostgresError(.noUser, "user id \(ourselves) has no name, which PostgreSQL needs")
            }
            return owner
        }
        if let dataOwner, dataOwner != 0, let owner = named(userID: dataOwner) { return owner }
        if let owner = named("postgres") ?? named("assay") { return owner }
        throw EmbeddedPostgresError(
            .noUser,
            """
            PostgreSQL does not run as root, and there is neither a user "postgres" nor "assay" to run it as.
            Make one: useradd --system --shell /usr/sbin/nologin assay
            """
        )
    }

    /// The name of the user who runs this process.
    static var currentName: String? { named(userID: geteuid())?.name }

    private static func named(_ name: String) -> ClusterOwner? {
        lookUp { getpwnam_r(name, $0, $1, $2, $3) }
    }

    private static func named(userID: UInt32) -> ClusterOwner? {
        lookUp { getpwuid_r(userID, $0, $1, $2, $3) }
    }

    private static func lookUp(
        _ call: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) -> ClusterOwner? {
        var entry = passwd()
        var result: UnsafeMutablePointer<passwd>?
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { buffer in
            guard let base = buffer.baseAddress, call(&entry, base, buffer.count, &result) == 0, result != nil else {
                return nil
            }
            return ClusterOwner(
                name: String(cString: entry.pw_name),
                userID: entry.pw_uid,
                groupID: entry.pw_gid,
                isOther: entry.pw_uid != geteuid()
            )
        }
    }
}
