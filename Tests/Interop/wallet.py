"""A loopback wallet in front of the sandbox's payer node, in the shapes that different clients expect of theirs.

Every shape pays through the node, over its TLS and with the macaroon that the client sends; nothing is made up here.

    POST /line/v2/router/send            the final update alone, as one JSON object
    POST /base64/v2/router/send          the node's stream, with the preimage in base64
    POST /v1/channels/transactions       the older synchronous call, with its own members
    POST /pay {"invoice": ...}           {"preimage": hex}, for clients that bring a wallet object of their own
"""

import base64
import http.server
import json
import pathlib
import ssl
import threading
import urllib.error
import urllib.request

SEND = "/v2/router/send"


class Wallet:
    """Serves until it is closed; ``url`` is its address, ``macaroon`` what the node wants to see, in hex."""

    def __init__(self, payer):
        self.node = payer["restUrl"]
        self.macaroon = pathlib.Path(payer["macaroon"]).read_bytes().hex()
        self.trust = ssl.create_default_context(cafile=payer["tlsCert"])
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def pay(self, invoice, macaroon=None):
        """Pays an invoice; returns the node's last update."""
        body = {"payment_request": invoice, "timeout_seconds": 30, "fee_limit_sat": "10", "no_inflight_updates": True}
        request = urllib.request.Request(
            self.node + SEND, json.dumps(body).encode(),
            {"Content-Type": "application/json", "Grpc-Metadata-macaroon": macaroon or self.macaroon},
        )
        with urllib.request.urlopen(request, timeout=40, context=self.trust) as answer:
            return json.loads(answer.read().splitlines()[-1])["result"]

    def answer(self, path, body, macaroon):
        if path == "/pay":
            return {"preimage": self.pay(body["invoice"])["payment_preimage"]}
        update = self.pay(body["payment_request"], macaroon)
        preimage = base64.b64encode(bytes.fromhex(update["payment_preimage"])).decode()
        if path == "/line" + SEND:
            return {"result": update}
        if path == "/base64" + SEND:
            return {"result": {**update, "payment_preimage": preimage}}
        if path == "/v1/channels/transactions":
            failed = "" if update["status"] == "SUCCEEDED" else update["failure_reason"]
            fee = {"total_fees_msat": update["fee_msat"]}
            return {"payment_error": failed, "payment_preimage": preimage, "payment_route": fee}
        return None

    def handler(wallet):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    answer = wallet.answer(self.path, body, self.headers["Grpc-Metadata-macaroon"])
                    status = 404 if answer is None else 200
                except urllib.error.HTTPError as error:
                    status, answer = error.code, {"error": error.read().decode(errors="replace")}
                data = json.dumps(answer).encode() + b"\n"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler
