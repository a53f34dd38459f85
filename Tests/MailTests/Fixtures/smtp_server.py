"""A mail server for tests: prints its port, then every mail as one line of JSON, until its input ends.

Arguments: MODE CERTIFICATE KEY. Modes: starttls (TLS and log-in required), tls (from the start), plain, starttls-open
(no log-in), no-starttls (does not offer TLS), refusing (refuses every recipient).
"""

import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, mode):
        self.mode = mode

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.mode == "refusing":
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": session.ssl is not None or self.mode == "tls",
            "login": session.auth_data.decode() if session.authenticated else "",
            "message": envelope.content.decode(),
        }), flush=True)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    if (data.login, data.password) == (b"mailer", b"open sesame"):
        return AuthResult(success=True, auth_data=data.login)
    return AuthResult(success=False, handled=False)


class TestController(Controller):
    def __init__(self, mode, context):
        self.mode, self.context = mode, context
        super().__init__(Handler(mode), hostname="127.0.0.1", port=0, ssl_context=context if mode == "tls" else None)

    def factory(self):
        starts = self.mode in ("starttls", "starttls-open", "refusing")
        return SMTP(
            self.handler,
            hostname="localhost",
            tls_context=self.context if starts else None,
            require_starttls=starts,
            auth_required=self.mode == "starttls",
            auth_require_tls=self.mode != "tls",
            authenticator=authenticate,
        )

    def _trigger_server(self):
        # The port is only known now.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def main():
    mode, certificate, key = sys.argv[1:]
    context = None
    if mode not in ("plain", "no-starttls"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    controller = TestController(mode, context)
    controller.start()
    print(json.dumps({"port": controller.port}), flush=True)
    sys.stdin.read()
    controller.stop()


main()
