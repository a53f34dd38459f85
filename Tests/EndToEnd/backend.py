"""A service behind the gate: tells what it was asked, streams both ways, speaks Server-Sent Events and WebSocket."""

import base64
import hashlib
import http.server
import json
import socket
import threading


class Backend:
    """Serves until it is closed, on a loopback port; ``requests`` is what it was asked."""

    def __init__(self):
        self.requests = []
        self.release = threading.Event()
        backend = self

        class Handler(Requests):
            owner = backend

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


class Requests(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.owner.requests.append((self.command, self.path, dict(self.headers.items())))
        path = self.path.split("?")[0]
        if path == "/events":
            return self.events()
        if path == "/socket":
            return self.socket()
        if path == "/echo":
            return self.echo()
        status = int(path.rsplit("/", 1)[1]) if path.startswith("/status/") else 200
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.answer(status, {"path": self.path, "headers": dict(self.headers.items()), "bytes": len(body)})

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Powered-By", "something old")
        self.send_header("Connection", "X-Hop")
        self.send_header("X-Hop", "only for the next one")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def events(self):
        """One event now, another when the test says so."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(b"data: first\n\n")
        self.owner.release.wait(30)
        self.chunk(b"data: second\n\n")
        self.chunk(b"")

    def echo(self):
        """Answers every chunk before it reads the next one."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while size := int(self.rfile.readline().strip(), 16):
            self.chunk(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        self.chunk(b"")

    def socket(self):
        """A WebSocket that sends back every byte that comes after the handshake."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.write(b"welcome")
        self.close_connection = True
        try:
            while data := self.connection.recv(65536):
                self.connection.sendall(data)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Line:
    """A raw connection to the gate, for what HTTP libraries hide."""

    def __init__(self, url, text):
        host, port = url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.file = self.socket.makefile("rb")
        self.send(text.replace("\n", "\r\n").encode())

    def send(self, data):
        self.socket.sendall(data)

    def head(self):
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip():
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        return status, headers

    def chunk(self):
        data = self.file.read(int(self.file.readline().strip(), 16))
        self.file.readline()
        return data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()
