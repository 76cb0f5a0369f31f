"""A container whose answers take a while, and say nothing; after the last one it ends itself, with status 0."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORK_S = 0.25


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/work":
            time.sleep(WORK_S)
        self.send_response(204)
        self.end_headers()
        if self.path == "/last":
            os.kill(os.getpid(), signal.SIGTERM)

    def log_message(self, *_: object) -> None: ...


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), _Handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.pause()
