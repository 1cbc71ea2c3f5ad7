"""Reads a dashboard's YAML out of the documentation, so that it shows what works."""

import re
from typing import Any

from homeassistant.util.yaml import parse_yaml

from . import ROOT

_GUIDE = ROOT / "docs" / "dashboard.md"
_BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def configuration(key: str) -> str:
    """Return what the guide puts under a key of Home Assistant's configuration."""
    return next(block for block in _blocks() if key in parse_yaml(block))


def view() -> dict[str, Any]:
    """Return the view of the guide's dashboard."""
    parsed = (parse_yaml(block) for block in _blocks())
    return next(
        block for block in parsed if isinstance(block, dict) and "sections" in block
    )


def _blocks() -> list[str]:
    return _BLOCK.findall(_GUIDE.read_text(encoding="utf-8"))
