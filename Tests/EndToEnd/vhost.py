"""A shipped nginx vhost, as a real nginx in front of a tiny backend."""

import http.client
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import threading
import time

from free_ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Backend(http.server.BaseHTTPRequestHandler):
    """Says what it was sent."""

    protocol_version = "HTTP/1.1"
    # Headers of every answer.
    fields = {}
    # What was asked, as method and path.
    seen = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.seen.append((self.command, self.path))
        answer = json.dumps({"ok": True, "size": len(body), "headers": dict(self.headers)}).encode()
        self.send_response(429 if self.path == "/busy" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        if self.path == "/busy":
            self.send_header("Retry-After", "77")
        for name, value in self.fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_OPTIONS = do_PUT = do_POST

    def log_message(self, *_):
        pass


class VirtualHost:
    """nginx with a shipped vhost: its port, certificate and log directory are replaced.

    replacements: what else the file says, and what it has to say here; each has to be in the file.
    """

    def __init__(self, home, vhost, name, replacements):
        self.home, self.port = home, free_port()
        certificate, key = home / "cert.pem", home / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
             "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True)
        shipped = (ROOT / "infra" / vhost).read_text()
        text = "\n".join(line for line in shipped.splitlines() if "listen [::]" not in line)
        new = {
            "listen 443": f"listen 127.0.0.1:{self.port}",
            f"/etc/letsencrypt/live/{name}/fullchain.pem": str(certificate),
            f"/etc/letsencrypt/live/{name}/privkey.pem": str(key),
            "/var/log/nginx/": f"{home}/",
            **dict(replacements),
        }
        assert all(old in text for old in new)
        # All at once: a port that was put in is not looked at again.
        text = re.sub("|".join(map(re.escape, new)), lambda found: new[found[0]], text)
        (home / "nginx.conf").write_text(
            f"pid {home}/pid;\nerror_log {home}/error.log;\nworker_processes 1;\nevents {{}}\nhttp {{\naccess_log off;\n"
            f"client_body_temp_path {home}/body;\nproxy_temp_path {home}/proxy;\n{text}\n}}\n")
        self.process = subprocess.Popen(["nginx", "-c", str(home / "nginx.conf"), "-g", "daemon off;"],
                                        env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        deadline = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert self.process.poll() is None and time.monotonic() < deadline, (home / "error.log").read_text()
            time.sleep(0.05)

    def ask(self, method, path, body=b"", headers=None, highest=None):
        """The status, the headers as pairs, and the body.

        highest: the newest version of TLS that the client speaks.
        """
        context = ssl.create_default_context(cafile=self.home / "cert.pem")
        context.check_hostname = False
        if highest:
            context.maximum_version = highest
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        try:
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def before_a_backend(vhost, backend):
    """For a fixture: vhost(port) in front of a backend, which gets an empty list of what it has seen."""
    backend.seen = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    proxy = vhost(server.server_port)
    yield proxy
    proxy.stop()
    server.shutdown()
    server.server_close()


def values(headers, name):
    """The values of a header, however it is written."""
    return [value for key, value in headers if key.lower() == name.lower()]
