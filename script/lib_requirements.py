"""Print what Home Assistant would install at boot for the demo, one on each line.

Installed beforehand, it need not be fetched while Home Assistant starts.
"""

import json
from pathlib import Path
import sys

import homeassistant
from homeassistant.bootstrap import CORE_INTEGRATIONS, DEFAULT_INTEGRATIONS

COMPONENTS = Path(homeassistant.__file__).parent / "components"


def requirements(domains: set[str]) -> set[str]:
    """Gather what these components and their dependencies require."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = set(domains)
    while waiting:
        domain = waiting.pop()
        seen.add(domain)
        manifest = json.loads((COMPONENTS / domain / "manifest.json").read_text())
        found.update(manifest.get("requirements", []))
        waiting.update(set(manifest.get("dependencies", [])) - seen)
    return found


if __name__ == "__main__":
    domains = CORE_INTEGRATIONS | DEFAULT_INTEGRATIONS | set(sys.argv[1:])
    print(*sorted(requirements(domains)), sep="\n")
