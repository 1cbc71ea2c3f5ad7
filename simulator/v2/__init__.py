"""A simulated OCPP 2.0.1 or 2.1 charging station: the second dialect of the simulator.

`Charger2` has the methods of `Charger` where they make sense, so that whoever holds one can hold
the other. On the wire there are plain dicts, checked both ways against the official schemas of the
version that is spoken.

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
