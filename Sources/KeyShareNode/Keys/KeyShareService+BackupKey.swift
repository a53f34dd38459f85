// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import ShareEnvelopes

extension KeyShareService {
    /// The root secret, from which the key of backups comes; `nil` while the node is sealed.
    public var rootSecret: RootSecret? { holder.keys?.root }
}
