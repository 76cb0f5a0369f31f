"""Passes connections on to another port, and can drop them all, as Cloud Run does with a request at its timeout."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_BLOCK = 1 << 16


class Forwarder(socketserver.ThreadingTCPServer):
    """Listens on a free port of 127.0.0.1.

    Args:
        to: the port to which everything is passed.
    """

    daemon_threads = True

    def __init__(self, to: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.to = to
        self.open: set[socket.socket] = set()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def drop(self) -> None:
        """End all connections at once."""
        for one in list(self.open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Connection(socketserver.BaseRequestHandler):
    server: Forwarder

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.to)) as upstream:
            pair = (self.request, upstream)
            self.server.open.update(pair)
            back = threading.Thread(target=_pump, args=(upstream, self.request), daemon=True)
            back.start()
            _pump(self.request, upstream)
            back.join()
            self.server.open.difference_update(pair)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)
    # The other direction ends with this one: a half-open connection is of no use to HTTP.
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def forwarding(to: int) -> Iterator[Forwarder]:
    """One that forwards for a while."""
    with Forwarder(to) as forwarder:
        thread = threading.Thread(target=forwarder.serve_forever, daemon=True)
        thread.start()
        try:
            yield forwarder
        finally:
            forwarder.drop()
            forwarder.shutdown()
            thread.join()
