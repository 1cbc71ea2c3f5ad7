"""The household again, whose charger speaks OCPP 2.0.1 or 2.1."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, override

from tests.csms.common import Charger, Payload, stamp
from tests.csms.common2 import BOOT, bucket, event, sample, status, unknown_variables

from .common import ENERGY, POWER, Household

_NAMES = count(1)


@dataclass
class Household2(Household):
    """A household whose charger tells transactions by events."""

    version: str = "2.0.1"
    # What the charger calls its transaction.
    name: str = ""

    @override
    async def connect(self) -> Charger:
        self._wait()
        self.raw = await self.system.dial(protocols=(f"ocpp{self.version}",))
        self.raw.answers["GetVariables"] = unknown_variables
        # What it has not told yet is in its queue.
        self.raw.answers["GetTransactionStatus"] = {"messagesInQueue": True}
        await self.raw.call("BootNotification", BOOT)
        await self.raw.call("StatusNotification", status("Occupied"))
        return self.raw

    @override
    async def begin(
        self,
        token: str = "CARD1",  # noqa: S107
        time: datetime | None = None,
    ) -> int:
        self._wait()
        self.name = f"T{next(_NAMES)}"
        self.transaction = 1
        values = [self._measured(time or self.now, context="Transaction.Begin")]
        await self._event("Started", time, values, evse=1, token=token)
        return self.transaction

    @override
    async def end(self, time: datetime | None = None, **more: Any) -> None:
        self._wait()
        values = [self._measured(time or self.now, context="Transaction.End")]
        await self._event("Ended", time, values, **more)
        self.transaction = None

    @override
    async def tell(self, time: datetime | None = None) -> None:
        self._wait()
        moment = time or self.now
        power = self.register(moment) - self.register(moment - timedelta(seconds=36))
        values = [self._measured(moment, sample(round(100 * power), POWER))]
        if self.transaction:
            await self._event("Updated", time, values)
        else:
            assert self.raw
            payload = {"evseId": 1, "meterValue": values}
            await self.raw.call("MeterValues", payload)

    async def _event(
        self, kind: str, time: datetime | None, values: list[Payload], **more: Any
    ) -> None:
        """Tell what is, or what was while the charger was on its own."""
        assert self.raw
        payload = event(
            kind,
            self.name,
            time=stamp(time or self.now),
            state=None if kind == "Ended" else "Charging",
            values=values,
            **({"offline": True} if time else {}),
            **more,
        )
        await self.raw.call("TransactionEvent", payload)

    def _measured(self, time: datetime, *more: Payload, **labels: str) -> Payload:
        energy = sample(round(self.register(time), 1), ENERGY, **labels)
        return bucket(energy, *more, time=stamp(time))
