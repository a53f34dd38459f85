// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The mails of a signer, which names itself by its URL: people hold shares with several.
///
/// All times are Unix seconds and shown in UTC.
extension MailMessage {
    /// The code that somebody asked for; it lasts 15 minutes.
    public static func oneTimePassword(_ code: String, signer: String, to address: EmailAddress) -> MailMessage {
        MailMessage(
            .oneTimePassword,
            to: address,
            subject: "Your one-time password: \(code)",
            [
                .plain("Your one-time password for the signer \(signer) is:"),
                .code(code),
                .plain("It lasts 15 minutes. Enter it only in the app where you asked for it."),
                .plain("If you did not ask for it, ignore this mail: without the code nothing happens."),
            ]
        )
    }

    /// Asks whether an address belongs to whoever gave it.
    public static func confirmation(link: String, signer: String, to address: EmailAddress) -> MailMessage {
        MailMessage(
            .confirmation,
            to: address,
            subject: "Confirm your e-mail address",
            [
                .plain("Your e-mail address was set as the way to recover a key held with the signer \(signer)."),
                .plain("To confirm that this was you, open:"), .link(link),
                .plain("If it was not you, ignore this mail: an address that is not confirmed gets no notices."),
            ]
        )
    }

    /// Somebody began to recover the key; it can be stopped until a moment.
    public static func recoveryPending(
        availableAt: Int64,
        cancelLink: String,
        signer: String,
        to address: EmailAddress
    ) -> MailMessage {
        let moment = moment(availableAt)
        return MailMessage(
            .recoveryPending,
            to: address,
            subject: "Recovery of your key was requested",
            [
                .plain(
                    "Somebody with a one-time password from this mailbox asked the signer \(signer) for your share."
                ),
                .plain("It is given out from \(moment) on, once the request is repeated with a new code."),
                .plain("If this was not you, stop it before then:"), .link(cancelLink),
                .plain("Then change the password of this mailbox: somebody else can read it."),
            ]
        )
    }

    /// A share was given out.
    public static func recoveryDone(at time: Int64, signer: String, to address: EmailAddress) -> MailMessage {
        MailMessage(
            .recoveryDone,
            to: address,
            subject: "Your key was recovered",
            [
                .plain("At \(moment(time)) the signer \(signer) gave out the share of your key."),
                .plain(
                    "If this was not you, treat the key as lost: whoever has enough shares can sign in your name. Remove its"
                        + " sessions and move to a new key."
                ),
            ]
        )
    }

    /// A recovery that waited was stopped.
    public static func recoveryCancelled(at time: Int64, signer: String, to address: EmailAddress) -> MailMessage {
        MailMessage(
            .recoveryCancelled,
            to: address,
            subject: "The recovery of your key was stopped",
            [
                .plain("At \(moment(time)) somebody stopped the recovery that had begun with the signer \(signer)."),
                .plain(
                    "Nothing was given out. If you did not begin it, somebody reads your mail: set a new password for the"
                        + " mailbox. If you did not stop it, begin again."
                ),
            ]
        )
    }

    /// The password of an account was changed.
    public static func passwordChanged(at time: Int64, signer: String, to address: EmailAddress) -> MailMessage {
        MailMessage(
            .passwordChanged,
            to: address,
            subject: "Your password was changed",
            [
                .plain("At \(moment(time)) the password of your account with the signer \(signer) was changed."),
                .plain("If this was not you, sign in with a mailed code, set a new password, and look through the sessions."),
            ]
        )
    }

    /// A new session was made by signing in.
    public static func signIn(at time: Int64, signer: String, to address: EmailAddress) -> MailMessage {
        MailMessage(
            .signIn,
            to: address,
            subject: "New sign-in",
            [
                .plain("At \(moment(time)) a new app signed in to your account with the signer \(signer)."),
                .plain("If this was not you, remove the session in an app you trust and set a new password."),
            ]
        )
    }

    /// The share will be erased if nobody uses it.
    ///
    /// - Parameter days: days left, 90, 30 or 7.
    public static func shareExpiring(
        days: Int,
        at time: Int64,
        signer: String,
        to address: EmailAddress
    ) -> MailMessage {
        MailMessage(
            .shareExpiring,
            to: address,
            subject: "Your key's share will be erased in \(days) days",
            [
                .plain("Nobody has used the share of your key that the signer \(signer) keeps for a long time."),
                .plain("It is erased at \(moment(time)), in \(days) days. To keep it, sign in once before then."),
            ]
        )
    }

    /// A time as in `2026-11-21 18:03 UTC`.
    static func moment(_ time: Int64) -> String {
        let text = Date(timeIntervalSince1970: Double(time)).formatted(.iso8601)
        return text.replacing("T", with: " ").prefix(16) + " UTC"
    }
}
