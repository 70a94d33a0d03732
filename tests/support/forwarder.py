"""A TCP proxy in front of a cluster. Its address can be moved from one server to another."""

import contextlib
import socket
import threading
from collections.abc import Generator
from pathlib import Path


class Forwarder:
    """Forwards each new connection to the current server. Existing connections stay where they are."""

    def __init__(self, to: Path) -> None:
        """`to` is the folder of a PostgreSQL server's socket."""
        self.to = to
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.open: list[tuple[socket.socket, socket.socket]] = []

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(str(self.to / ".s.PGSQL.5432"))
                except OSError:
                    client.close()
                    continue
                self.open.append((client, server))
                threading.Thread(target=_lead, args=(client, server), daemon=True).start()

    def reset(self) -> None:
        """Closes all connections."""
        for pair in self.open:
            _end(*pair)
        self.open = []


def _end(*pair: socket.socket) -> None:
    for each in pair:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _lead(client: socket.socket, server: socket.socket) -> None:
    """Copies bytes until either side ends."""
    with client, server:
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    _end(one, other)


@contextlib.contextmanager
def forwarding(to: Path) -> Generator[Forwarder]:
    forwarder = Forwarder(to)
    threading.Thread(target=forwarder.serve, daemon=True).start()
    try:
        yield forwarder
    finally:
        forwarder.listening.close()
        forwarder.reset()
