"""A real Home Assistant core, without frontend, that runs the floor or the integration.

It goes the way of `homeassistant.runner` and `homeassistant.bootstrap`: the same event
loop, executor and core, but no more integrations than are needed.
"""

import asyncio
from pathlib import Path
import time
from typing import Any

from homeassistant import block_async_io, bootstrap, config_entries, core, loader
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import entity_registry as er, recorder
from homeassistant.runner import create_event_loop
from homeassistant.setup import async_setup_component

from . import control

# The state machine's "running" writes the entities' first states in the background.
_REST = 0.5


async def run(options: dict[str, Any]) -> None:
    """Start Home Assistant, serve the benchmark, stop."""
    hass = await _start_core(Path(options["config"]))
    if options["recorder"]:
        recorder.async_initialize_recorder(hass)
        await _set_up(hass, "recorder")
    for sensor in options["enable"]:
        _enable(hass, **sensor)
    before = len(hass.states.async_all())
    watch = _LoopWatch()
    await _set_up(hass, options["domain"])
    ready = watch.stop()
    await hass.async_start()
    await hass.async_block_till_done()
    await asyncio.sleep(_REST)
    ready["entities"] = len(hass.states.async_all()) - before
    await control.serve(ready, lambda: _drain(hass))
    await hass.async_stop()


async def _start_core(config: Path) -> core.HomeAssistant:
    hass = core.HomeAssistant(str(config))
    loader.async_setup(hass)
    hass.config.skip_pip = True
    block_async_io.enable()
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await loader.async_get_custom_components(hass)
    await bootstrap.async_load_base_functionality(hass)
    for domain in bootstrap.CORE_INTEGRATIONS:
        await _set_up(hass, domain)
    await async_process_ha_core_config(hass, {})
    for domain in ("network", "http"):
        await _set_up(hass, domain)
    return hass


async def _set_up(hass: core.HomeAssistant, domain: str) -> None:
    if not await async_setup_component(hass, domain, {}):
        raise RuntimeError(f"{domain} could not be set up")


def _enable(
    hass: core.HomeAssistant, unique_id: str, entry_id: str, subentry_id: str
) -> None:
    """Have a sensor enabled that is not by default, as a user would."""
    entry = hass.config_entries.async_get_known_entry(entry_id)
    er.async_get(hass).async_get_or_create(
        "sensor",
        entry.domain,
        unique_id,
        config_entry=entry,
        config_subentry_id=subentry_id,
    )


async def _drain(hass: core.HomeAssistant) -> dict[str, Any]:
    """Wait until the recorder, if there is one, has written all to disk."""
    if recorder.DATA_INSTANCE in hass.data:
        await recorder.get_instance(hass).async_block_till_done()
    return {"cpu": time.process_time()}


class _LoopWatch:
    """Measures what a piece of work takes of the event loop."""

    _INTERVAL = 0.001

    def __init__(self) -> None:
        """Begin to measure."""
        self._loop = asyncio.get_running_loop()
        self._longest = 0.0
        self._elapsed = self._due = time.perf_counter()
        self._cpu = time.thread_time()
        self._timer = self._loop.call_later(self._INTERVAL, self._look)

    def stop(self) -> dict[str, Any]:
        """Return seconds: elapsed, of the loop's own CPU, and it was held at longest."""
        self._timer.cancel()
        self._look(again=False)
        return {
            "elapsed": time.perf_counter() - self._elapsed,
            "loop_cpu": time.thread_time() - self._cpu,
            "longest_hold": self._longest,
        }

    def _look(self, *, again: bool = True) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._due - self._INTERVAL)
        self._due = now
        if again:
            self._timer = self._loop.call_later(self._INTERVAL, self._look)


def main() -> None:
    """Run as a process of its own."""
    options = control.options()
    loop = create_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(run(options))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


if __name__ == "__main__":
    main()
