"""The service behind the gate: answers every request with what it was asked."""

import http.server
import json
import threading

SERVICES = """
services:
  - name: dispatches
    backend: {backend}
    routes:
      - {{path: /api/dispatches, price: 10sat}}
      - {{path: "/api/dispatches/{{id}}", price: 10sat}}
      - {{path: /api/ask, methods: [POST], price: 100sat}}
"""


class Backend:
    """Serves until it is closed, on a free loopback port; ``url`` is its address."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = json.dumps({"method": self.command, "path": self.path, "bytes": len(body)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass
