"""A few kills of a real Home Assistant; `script/kill-test` is for many."""

from pathlib import Path
import subprocess
import sys

import pytest

_ROOT = Path(__file__).parents[2]
#: How long it may take, in seconds; a quarter of a minute is usual.
_LIMIT = 120


@pytest.mark.timeout(_LIMIT + 30)
def test_nothing_confirmed_is_lost() -> None:
    """Killed while it starts, after a start and after a stop: each session is there."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.slow", "--rounds", "3", "--seed", "7"],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=_LIMIT)
        finally:
            # It takes its Home Assistant with it.
            process.terminate()
    assert process.returncode == 0, output
