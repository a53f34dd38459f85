// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// Which versions a request offers.
///
/// Versions go into one request when their nonces are of one length and their packets are framed alike: there are three
/// forms of request, for Google's version, for drafts 01 to 04, and for everything since.
public enum VersionOffers: Sendable, Equatable {
    /// By what a list says of the server; another set at every second try, since lists grow old.
    case automatic(listed: Version?)
    /// These, which must be of one form.
    case fixed([Version])

    private static let modern = forms(of: Version.all)[0]
    private static let early = forms(of: Version.all)[1]

    /// The versions in lists that fit into one request each: the newest form first, Google's last.
    public static func forms(of versions: [Version]) -> [[Version]] {
        let known = Set(versions).filter { Profile.of($0) != nil }.sorted()
        func with(_ nonceLength: Int, framed: Bool) -> [Version] {
            known.filter { Profile.of($0).map { $0.nonceLength == nonceLength && $0.isFramed == framed } == true }
        }
        return [with(32, framed: true), with(64, framed: true), with(64, framed: false)].filter { !$0.isEmpty }
    }

    /// What to offer.
    ///
    /// - Parameter attempt: number of the try, from 0.
    public func versions(attempt: Int) -> [Version] {
        let isFirstChoice = attempt.isMultiple(of: 2)
        switch self {
        case .fixed(let versions): return versions
        case .automatic(.google): return [.google]
        case .automatic(nil), .automatic(.rfc10049): return Self.modern
        case .automatic(.draft12):
            // Who says 1 but signs as the drafts do is understood at the second try.
            return isFirstChoice ? Self.modern : Self.modern.filter { $0 != .rfc10049 }
        case .automatic(let listed?):
            guard let profile = Profile.of(listed) else { return Self.modern }
            let form = profile.nonceLength == 64 ? Self.early : Self.modern
            return isFirstChoice ? form.filter { $0 != .rfc10049 && $0 <= listed } : Self.modern
        }
    }
}
