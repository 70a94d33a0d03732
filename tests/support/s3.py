"""Starts an S3 server. It has an environment of its own, because its dependencies conflict with ours."""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import httpx2

from tests.support.node import missing

LOCK = Path("locks/s3-server.txt")
ENVIRONMENT = Path(".venv-s3").absolute()
BUCKET = "evidence"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "a secret key", "AWS_REGION": "eu-central-1"}
OUT_OF_REACH = re.compile(
    r"No matching distribution|Temporary failure|Connection refused|Network is unreachable|Could not fetch URL|ProxyError"
    r"|ConnectTimeout|ReadTimeout|NewConnectionError|403 Client Error|50[234] Server Error"
)


def program(name: str) -> str:
    """A program of the environment, which is made where there is none of this lock. Skips the test where there is no
    registry to reach."""
    with ENVIRONMENT.with_suffix(".lock").open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)  # another run may be making it
        _make()
    return str(ENVIRONMENT / "bin" / name)


def _make() -> None:
    made_from = ENVIRONMENT / f"made-from-{LOCK.name}"
    if not made_from.exists() or made_from.read_bytes() != LOCK.read_bytes():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
        options = ["--quiet", "--retries", "1", "--require-hashes", "--no-deps", "-r", str(LOCK)]
        installed = subprocess.run([*pip, *options], capture_output=True, text=True, check=False)
        if installed.returncode:
            if OUT_OF_REACH.search(installed.stderr):
                missing("there is no registry to reach that pip could install an S3 server from")
            raise RuntimeError(f"pip cannot install {LOCK}: {installed.stderr}")
        shutil.copy(LOCK, made_from)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@contextlib.contextmanager
def running(port: int) -> Generator[str]:
    """Starts the server and makes a bucket. Yields its address."""
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [program("moto_server"), "-H", "127.0.0.1", "-p", str(port)],
        env=os.environ | CREDENTIALS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            for _ in range(600):
                assert process.poll() is None
                with contextlib.suppress(httpx2.TransportError):
                    place = f"<LocationConstraint>{CREDENTIALS['AWS_REGION']}</LocationConstraint>"
                    made = httpx2.put(
                        f"{url}/{BUCKET}",
                        content=f"<CreateBucketConfiguration>{place}</CreateBucketConfiguration>",
                    )
                    assert made.status_code == 200, made.text
                    break
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
