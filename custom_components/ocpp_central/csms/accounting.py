"""What a session has used and what it cost, from reading to reading."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .prices import Prices
from .register import MOST_AT_ONCE, Register

# A register may be rounded where another one of the same session is not.
_ROUNDED_OF = 0.9

type Window = tuple[datetime, datetime]


@dataclass(slots=True)
class HourShare:
    """What a session used within one hour of the clock: Wh, and its cost."""

    energy: float = 0.0
    cost: float = 0.0
    # The part of the energy that no price was known for.
    unpriced: float = 0.0


@dataclass(slots=True, kw_only=True)
class Account:
    """Everything about a session that grows with its readings. Wh, W, s, %."""

    register: Register | None = None
    cost: float | None = None
    currency: str | None = None
    unpriced: float = 0.0
    charging: float = 0.0
    peak_power: float | None = None
    soc_start: float | None = None
    soc_end: float | None = None
    replayed: bool = False
    hours: dict[datetime, HourShare] = field(default_factory=dict)
    # The hours that have changed and are not on disk.
    fresh: set[datetime] = field(default_factory=set)

    @property
    def energy(self) -> float | None:
        """Return what has been charged so far; None where no register was ever told."""
        return self.register.total if self.register else None

    def read(
        self,
        time: datetime,
        values: dict[str, float],
        prices: Prices,
        windows: Sequence[Window] | None = None,
    ) -> None:
        """Take a reading; `windows` is when current flowed since the last, if known."""
        if (power := values.get("power")) is not None and power > (
            self.peak_power or 0.0
        ):
            self.peak_power = power
        if (soc := values.get("soc")) is not None:
            self.soc_end = soc
            if self.soc_start is None:
                self.soc_start = soc
        if (energy := values.get("energy")) is not None:
            self.count(time, energy, prices, windows, power=power)

    def count(
        self,
        time: datetime,
        energy: float,
        prices: Prices,
        windows: Sequence[Window] | None = None,
        *,
        power: float | None = None,
    ) -> None:
        """Take a register reading."""
        if self.register is None:
            self.register = Register(value=energy, time=time)
            return
        since = self.register.time
        if flowed := self.register.read(time, energy, power):
            self._book(windows or [(since, time)], flowed, prices)

    def begin_before(self, time: datetime, energy: float, prices: Prices) -> None:
        """Take the register at a start that is told after the first reading."""
        register = self.register
        if register is None:
            self.register = Register(value=energy, time=time)
            return
        missed = register.value - register.total - energy
        if register.intact and 0 <= missed <= MOST_AT_ONCE:
            register.total = round(register.total + missed, 6)
            register.origin = energy
            self._book([(time, max(time, register.time))], missed, prices)

    def finish(
        self,
        time: datetime,
        meter_start: float | None,
        meter_stop: float,
        prices: Prices,
        windows: Sequence[Window] | None = None,
    ) -> None:
        """Take the register at the end, which is the charger's last word."""
        register = self.register
        if register is None:
            self.register = Register(value=meter_stop, time=time)
            return
        # An end stamped before the last sample is an end all the same.
        since, time = register.time, max(time, register.time)
        if meter_start is None:
            meter_start = register.value - register.total
        said = meter_stop - meter_start
        # What begins anew comes back to the start only with at least that much more.
        same = register.intact or register.total < meter_start
        if 0 <= said < register.total and same and register.scale == 1:
            # Nothing at all is no last word, but a register that was reset too early.
            if meter_stop > 0:
                self._take_back(register.total - said)
                register.value = meter_stop
            return
        if (
            said < 0
            and meter_stop >= register.total * _ROUNDED_OF > 0
            and register.factor == 1
        ):
            # It counts from the start of the session where samples do not.
            said = max(meter_stop, register.total)
        # Where the register broke off, the less of both ways to count is right.
        missing = said - register.total
        risen = meter_stop - register.value
        if missing >= 0 and not 0 <= risen < missing:
            if flowed := register.end(time, meter_stop, missing):
                self._book(windows or [(since, time)], flowed, prices)
        elif register.intact or risen >= 0:
            self.count(time, meter_stop, prices, windows)

    def _book(self, windows: Sequence[Window], energy: float, prices: Prices) -> None:
        """Put energy and its cost where they belong."""
        self.charging += sum((end - start).total_seconds() for start, end in windows)
        for hour, part, price in prices.spread(windows, energy):
            share = self.hours.setdefault(hour, HourShare())
            share.energy += part
            self.fresh.add(hour)
            # A bill is in one currency.
            if price and (self.currency or price.currency) == price.currency:
                self.currency = price.currency
                cost = part * price.per_kwh / 1000
                share.cost += cost
                self.cost = (self.cost or 0.0) + cost
            else:
                share.unpriced += part
                self.unpriced += part

    def _take_back(self, energy: float) -> None:
        """Take back what the samples said too much, the newest first."""
        assert self.register
        self.register.total = round(self.register.total - energy, 6)
        for hour in sorted(self.hours, reverse=True):
            share = self.hours[hour]
            if energy <= 0 or not share.energy:
                continue
            part = min(1.0, energy / share.energy)
            energy -= share.energy * part
            self.fresh.add(hour)
            if self.cost is not None:
                self.cost -= share.cost * part
            self.unpriced -= share.unpriced * part
            share.energy *= 1 - part
            share.cost *= 1 - part
            share.unpriced *= 1 - part
