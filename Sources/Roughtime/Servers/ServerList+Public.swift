// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding

extension ServerList {
    /// Public servers and their long-term keys, as their operators published them.
    ///
    /// A list of one's own, given as a file, takes the place of this one.
    public static var publicServers: ServerList {
        func server(
            _ name: String,
            _ version: Version,
            _ key: String,
            _ host: String,
            _ port: UInt16,
            tcp: Bool = false
        ) -> ServerEntry {
            ServerEntry(
                name: name,
                version: version,
                publicKey: Base64.decode(key) ?? [],
                addresses: [.init(transport: .udp, host: host, port: port)]
                    + (tcp ? [.init(transport: .tcp, host: host, port: port)] : [])
            )
        }
        return ServerList(servers: [
            server(
                "Cloudflare",
                .draft(11),
                "0GD7c3yP8xEc4Zl2zeuN2SlLvDVVocjsPSL8/Rl/7zg=",
                "roughtime.cloudflare.com",
                2003
            ),
            server(
                "int08h",
                .draft12,
                "AW5uAoTSTDfG5NfY1bTh08GUnOqlRb+HVhbJ3ODJvsE=",
                "roughtime.int08h.com",
                2002
            ),
            server(
                "roughtime.se",
                .draft12,
                "S3AzfZJ5CjSdkJ21ZJGbxqdYP/SoE8fXKY0+aicsehI=",
                "roughtime.se",
                2002
            ),
            server(
                "TXRyan",
                .draft12,
                "iBVjxg/1j7y1+kQUTBYdTabxCppesU/07D4PMDJk2WA=",
                "time.txryan.com",
                2002,
                tcp: true
            ),
            server(
                "Sturdy Statistics",
                .draft12,
                "NqIjwLopQn6yQChtE21Mb97dAbAPe5UOuTa0tOakgD8=",
                "roughtime.sturdystatistics.com",
                2002
            ),
        ])
    }
}
