"""A Home Assistant with simulated chargers, to click through and to check: see `script/demo`."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
DOMAIN = "ocpp_central"


class DemoError(Exception):
    """The demo cannot go on."""
