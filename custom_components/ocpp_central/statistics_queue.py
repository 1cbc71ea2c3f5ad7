"""The recorder's queue."""

import asyncio

from homeassistant.components.recorder.tasks import SynchronizeTask
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance


async def async_written(hass: HomeAssistant) -> None:
    """Return when the recorder has done all that it was given so far.

    Its own `async_block_till_done` does not wait for what it is about to do.
    """
    done: asyncio.Future[None] = hass.loop.create_future()
    get_instance(hass).queue_task(SynchronizeTask(done))
    await done
