// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses

/// The part of a host that costs money: its domain, or its address.
///
/// Names below a domain are free, so they all count as one site. Below the common second levels of countries, such as
/// `co.uk`, a domain has three parts.
///
/// - Parameter host: in lower case, with or without a port.
func site(ofHost host: String) -> String {
    if host.hasPrefix("[") { return String(host.prefix { $0 != "]" }) }
    let name = host.prefix { $0 != ":" }
    guard IPAddress(name) == nil else { return String(name) }
    let labels = name.split(separator: ".")
    let isShared =
        labels.count >= 3 && labels[labels.count - 1].count == 2
        && secondLevels.contains(String(labels[labels.count - 2]))
    return labels.suffix(isShared ? 3 : 2).joined(separator: ".")
}

private let secondLevels: Set<String> = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"]
