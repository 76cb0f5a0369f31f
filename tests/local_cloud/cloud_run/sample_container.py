"""A container that does as it is told, to see what Cloud Run makes of it. It needs nothing but Python."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_go_on, _sick = threading.Event(), threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/hold":
                _go_on.wait()
                self._say(b"held")
            case "/go":
                _go_on.set()
                self._say(b"gone on")
            case "/stream":
                self._stream()
            case "/large":
                self._say(b"x" * ((32 << 20) + 1))
            case "/sicken":
                _sick.set()
                self._say(b"sick")
            case "/live" if _sick.is_set():
                self.send_error(500)
            case _:
                self._say_all()

    def do_POST(self) -> None:
        self._say_all()

    def _say_all(self) -> None:
        body = self._body()
        said: dict[str, Any] = {
            "revision": os.environ["K_REVISION"],
            "service": os.environ["K_SERVICE"],
            "color": os.environ.get("COLOR"),
            "pid": os.getpid(),
            "path": self.path,
            "bytes": len(body),
            "host": self.headers["Host"],
        }
        self._say(json.dumps(said).encode())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (b"one", b"two"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            _go_on.wait()
        self.wfile.write(b"0\r\n\r\n")

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def main() -> None:
    if os.environ.get("BROKEN") == "1":
        print("this container does not start")
        sys.exit(1)
    ended = threading.Event()
    # One that hears SIGTERM and goes on is what SIGKILL is for.
    signal.signal(signal.SIGTERM, lambda *_: None if os.environ.get("STUBBORN") == "1" else ended.set())
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ended.wait()


if __name__ == "__main__":
    main()
