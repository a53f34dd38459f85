// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials

/// A mail as it goes over the wire (RFC 5322, RFC 2045): headers, then the text and the HTML as alternatives.
struct MIMEMessage {
    let bytes: [UInt8]

    init(_ message: MailMessage, from sender: MailSender, at now: Date) {
        let domain = sender.address.text.split(separator: "@").last ?? "localhost"
        let boundary = "=_" + Self.random()
        let headers = [
            "From: \(Self.phrase(sender.name)) <\(sender.address.text)>",
            "To: <\(message.to.text)>",
            "Subject: \(Self.words(message.subject))",
            "Date: \(Self.date(now))",
            "Message-ID: <\(Self.random())@\(domain)>",
            "MIME-Version: 1.0",
            "Auto-Submitted: auto-generated",
            "Content-Type: multipart/alternative; boundary=\"\(boundary)\"",
        ]
        var lines = headers + [""]
        for (type, body) in [("plain", message.text), ("html", message.html)] {
            lines += [
                "--\(boundary)", "Content-Type: text/\(type); charset=utf-8", "Content-Transfer-Encoding: base64", "",
            ]
            lines += Self.base64Lines(body)
        }
        lines += ["--\(boundary)--", ""]
        bytes = Array(lines.joined(separator: "\r\n").utf8)
    }

    private static func random() -> String {
        Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255) })
    }

    /// Lines of 76 characters (RFC 2045 section 6.8).
    private static func base64Lines(_ text: String) -> [String] {
        let bytes = Array(text.utf8)
        return stride(from: 0, to: bytes.count, by: 57).map { Base64.encode(bytes[$0..<min($0 + 57, bytes.count)]) }
    }

    /// A name before an address: as it is when it consists of atoms, encoded otherwise.
    private static func phrase(_ text: String) -> String {
        let isAtoms = text.unicodeScalars.allSatisfy {
            $0 == " " || ($0.isASCII && $0.value > 0x20 && !"()<>[]:;@\\,.\"=?".unicodeScalars.contains($0))
        }
        return isAtoms ? text : encoded(text)
    }

    /// An unstructured text: as it is in ASCII, encoded otherwise.
    private static func words(_ text: String) -> String {
        let isPlain =
            text.utf8.count <= 60 && !text.contains("=?") && text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
        return isPlain ? text : encoded(text)
    }

    /// Encoded words of at most 75 characters (RFC 2047), each of whole characters.
    private static func encoded(_ text: String) -> String {
        var pieces: [[UInt8]] = [[]]
        for scalar in text.unicodeScalars {
            let bytes = Array(String(Character(scalar)).utf8)
            if pieces[pieces.count - 1].count + bytes.count > 45 { pieces.append([]) }
            pieces[pieces.count - 1] += bytes
        }
        return pieces.map { "=?utf-8?B?\(Base64.encode($0))?=" }.joined(separator: "\r\n ")
    }

    private static func date(_ date: Date) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.year, .month, .day, .weekday, .hour, .minute, .second], from: date)
        func digits(_ number: Int?, _ count: Int = 2) -> String {
            let text = String(number ?? 0)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][(parts.weekday ?? 1) - 1]
        let month = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ][(parts.month ?? 1) - 1]
        let time = [parts.hour, parts.minute, parts.second].map { digits($0) }.joined(separator: ":")
        return "\(day), \(digits(parts.day)) \(month) \(digits(parts.year, 4)) \(time) +0000"
    }
}
