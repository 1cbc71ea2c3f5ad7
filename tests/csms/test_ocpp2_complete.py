"""All of OCPP 2.0.1 and 2.1: each message is in the documentation, with its tests.

The list of messages is that of the ocpp package.
"""

from pathlib import Path
import re

import pytest

from .generated import INCOMING, OUTGOING, VERSIONS

REPOSITORY = Path(__file__).parents[2]
TABLE = (REPOSITORY / "docs" / "ocpp2.md").read_text()
ROWS = re.findall(
    r"^\| `(\w+)` \| (in|out) \| ([\d., ]+) \| (.+) \| (.+) \|$", TABLE, re.MULTILINE
)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_message_has_its_row(version: str) -> None:
    """There is one in each direction that it goes in."""
    named = [
        (message, direction)
        for message, direction, versions, _, _ in ROWS
        if version in versions.split(", ")
    ]
    assert sorted(named) == sorted(
        [
            *((action, "in") for known, action in INCOMING if known == version),
            *((action, "out") for known, action in OUTGOING if known == version),
        ]
    )


def test_each_row_has_its_tests() -> None:
    """They are there, and the message is in one of them, or made from its schema."""
    for message, _, _, _, tests in ROWS:
        paths = re.findall(r"`(tests/[\w/]+\.py)`", tests)
        assert paths, message
        for path in paths:
            assert (REPOSITORY / path).is_file(), path


def test_each_row_can_be_read() -> None:
    """A row that is written otherwise would not be checked."""
    assert TABLE.count("\n| `") == len(ROWS)
