"""A simulated OCPP 2.0.1 or 2.1 charging station: the second dialect of the simulator.

`Charger2` has the methods of `Charger` where they make sense, so that whoever holds one can hold
the other. On the wire there are plain dicts, checked both ways against the official schemas of the
version that is spoken.

Besides charging, a station here has every feature there is, and for tests:

- `profiles`, the charging profiles that are installed; `profiles.put(Profile2.from_wire(…,
  foreign=True))` has one the central system knows nothing of.
- `external_limit(evse, amps, source)`, somebody else who limits, with None no longer;
  `local_generation=True` adds instead (2.1). `press_priority(evse, on)`, the button (2.1).
- `say(action, payload)`, any message, checked against the schema; returns the answer.
- `jobs.failure`, `.new_firmware`, `.content`, `.method`, `.revoked` as for OCPP 1.6, `.published`;
  `certificates.roots`, `.certificate`; `local_list.tokens`; `reservations.ids`;
  `displays.shown`; `monitors.all`; `tariffs.cost(evse)`; `controls.all`; `batteries`;
  `network_profiles`; `security_event(kind, info)`.
- What it has is told by its variables, and `config={"SmartChargingCtrlr.SupportsDynamicProfiles":
  None}` takes it away: a station without Dynamic profiles refuses them.

What serves a request of the central system is a method of a mixin of `Handlers2`:

    class ThemeHandlers(Connection2):
        @serves("ClearCache")
        def on_clear_cache(self, payload: Payload) -> Payload:
            self.then(lambda: ...)  # once the answer has left
            return {"status": "Accepted"}

        @triggers("FirmwareStatusNotification")
        def trigger_firmware(self, payload: Payload) -> Callable[[], None] | None:
            ...  # None rejects the TriggerMessage
"""

from .charger import Charger2

__all__ = ["Charger2"]
