"""What Home Assistant calls before and after a backup, so that the ledger in it is sound."""

import logging
from pathlib import Path
import sqlite3

from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .hub import LEDGER_FILE
from .ledger import Ledger

_LOGGER = logging.getLogger(__name__)
# Not kept by the entry: it may be reloaded while its files are being copied.
_HOLD: HassKey[sqlite3.Connection] = HassKey(f"{DOMAIN}_backup")


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Hold the ledger's files; transactions go on being recorded."""
    # The last backup may have ended without a word.
    await async_post_backup(hass)
    ledger = Ledger(Path(hass.config.path(LEDGER_FILE)))
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        ledger = entry.runtime_data.ledger
    try:
        if (hold := await ledger.hold()) is not None:
            hass.data[_HOLD] = hold
    except Exception as err:  # noqa: BLE001 - it would be the end of the user's backup
        _LOGGER.warning("Charging sessions may be damaged in this backup: %s", err)


async def async_post_backup(hass: HomeAssistant) -> None:
    """Let go of the ledger's files."""
    if (hold := hass.data.pop(_HOLD, None)) is None:
        return
    try:
        await hass.async_add_executor_job(hold.close)
    except Exception as err:  # noqa: BLE001 - it would be the end of the user's backup
        _LOGGER.warning("The ledger of charging sessions stays on hold: %s", err)
