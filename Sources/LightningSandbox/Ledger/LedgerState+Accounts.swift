// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Secp256k1

extension LedgerState {
    /// Finds an account by name, or opens it with a start balance.
    mutating func openAccount(_ name: String, balance: MilliSatoshi) -> Int {
        if let account = accounts.firstIndex(where: { $0.name == name }) { return account }
        let key = SecretKey.random()
        record(.accountOpened(name: name, identity: HexBytes(key.rawBytes), msat: balance.msat))
        return accounts.count - 1
    }

    /// Finds a root key, or draws one.
    mutating func rootKey(_ id: UInt64, of account: Int) -> [UInt8] {
        if let key = accounts[account].rootKeys[id] { return key }
        let key = Preimage.random().bytes
        record(.rootKeyMade(account: account, id: id, key: HexBytes(key)))
        return key
    }

    /// Revokes every macaroon baked under a root key.
    ///
    /// - Returns: whether there was such a key.
    /// - Throws: when it is the default key, whose loss would lock everyone out.
    mutating func deleteRootKey(_ id: UInt64, of account: Int) throws(RPCError) -> Bool {
        guard id != 0 else { throw RPCError("the specified ID cannot be deleted") }
        guard accounts[account].rootKeys[id] != nil else { return false }
        record(.rootKeyDeleted(account: account, id: id))
        return true
    }
}
