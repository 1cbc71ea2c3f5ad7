"""Home Assistant with what its configuration names and nothing else.

By default it insists on its frontend, whose packages only the demo installs.
"""

import sys

from homeassistant import bootstrap
from homeassistant.__main__ import main

if __name__ == "__main__":
    bootstrap.DEFAULT_INTEGRATIONS.clear()
    bootstrap.CRITICAL_INTEGRATIONS.clear()
    sys.exit(main())
