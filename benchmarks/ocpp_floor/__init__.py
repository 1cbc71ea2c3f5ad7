"""The least that could show a charger's meter values in Home Assistant.

What the integration is measured against: it decodes a frame, answers it and sets the
sensors, and nothing else. No checks, no units, no transactions, no commands.
"""

from aiohttp import WSMsgType, web
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_PORT, Platform
from homeassistant.core import HomeAssistant
import orjson

from .const import CONF_CHARGE_POINTS
from .sensor import Charger, FloorConfigEntry

PLATFORMS = [Platform.SENSOR]


async def async_setup_entry(hass: HomeAssistant, entry: FloorConfigEntry) -> bool:
    """Make the sensors, then let chargers dial in."""
    entry.runtime_data = {
        identity: Charger() for identity in entry.data[CONF_CHARGE_POINTS]
    }
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)

    async def serve(request: web.Request) -> web.WebSocketResponse:
        return await _serve(request, entry.runtime_data[request.match_info["identity"]])

    app = web.Application()
    app.router.add_get("/{identity}", serve)
    runner = web.AppRunner(
        app, handler_cancellation=True, shutdown_timeout=2, access_log=None
    )
    await runner.setup()
    entry.async_on_unload(runner.cleanup)
    await web.TCPSite(runner, None, entry.data[CONF_PORT]).start()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Unload the sensors; the listener goes with the entry."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def _serve(request: web.Request, charger: Charger) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        protocols=("ocpp1.6",), compress=False, decode_text=False
    )
    await socket.prepare(request)
    charger.set_available(True)
    try:
        async for message in socket:
            _, unique_id, action, payload = orjson.loads(message.data)
            # The charger is not kept waiting for what it has no part in.
            await socket.send_frame(orjson.dumps([3, unique_id, {}]), WSMsgType.TEXT)
            if action == "MeterValues":
                for meter_value in payload["meterValue"]:
                    charger.set_samples(meter_value["sampledValue"])
    finally:
        charger.set_available(False)
    return socket
