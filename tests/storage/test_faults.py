"""The fault run in its short form."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def test_nothing_is_lost_doubled_or_half_done(dialect: str) -> None:
    short = ["--acknowledged", "150", "--cancellations", "60", "--restarts", "1", "--seed", "7"]
    command = [sys.executable, "-m", "tests.faults", "--dialect", dialect, *short]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    *_, told = run.stdout.splitlines()
    assert "0 lost, 0 doubled, 0 half-applied, 0 connections lost" in told
    assert ", 0 servers killed" not in told
