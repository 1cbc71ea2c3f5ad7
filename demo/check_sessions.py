"""What must hold of sessions: what they cost, and where they are seen."""

from collections.abc import Sequence
import csv
from datetime import UTC, datetime
from math import fsum

from . import DOMAIN, DemoError
from .api import Json, State
from .chargers import Kind
from .past import CURRENCY, HOURLY_PRICES, PastSession
from .stage import Stage

_TABLE = "sensor.charging_sessions"
#: As many as the dashboard's table shows.
_ROWS = 12
#: Statistics of sessions come within two minutes; the machine may be busy.
_PATIENCE = 180.0
_PROMPT = 15.0


def _expect(what: str, found: float, expected: float, tolerance: float) -> None:
    if abs(found - expected) > tolerance:
        raise DemoError(f"{what} is {found:g}, not {expected:g}")


class SessionChecks:
    """The checks of one scene; each raises DemoError where something does not hold."""

    def __init__(self, scene: Stage) -> None:
        """Check a scene that is furnished."""
        self._scene = scene
        self._api = scene.api

    async def _sessions(self) -> Json:
        return await self._api.ask(f"{DOMAIN}.get_sessions", limit=1000)

    async def cost(self) -> None:
        """The past cost what it must at the prices of its hours, and the totals add up."""
        answer = await self._sessions()
        sessions, totals = answer["sessions"], answer["totals"]
        _expect("The number of sessions", len(sessions), totals["sessions"], 0)
        # Each is rounded.
        _expect(
            "The energy of all",
            fsum(one["energy_kwh"] or 0 for one in sessions),
            totals["energy_kwh"],
            0.001 * len(sessions),
        )
        _expect(
            "The cost of all",
            fsum(one["cost"] or 0 for one in sessions),
            totals["cost"][CURRENCY],
            0.0001 * len(sessions),
        )
        told = {
            (one["charge_point"], one["connector"], _moment(one["started"])): one
            for one in sessions
        }
        for past in self._scene.past.sessions:
            one = told[past.kind.identity, past.connector, past.start]
            _expect(f"Energy of {past.start}", one["energy_kwh"], _kwh([past]), 0.001)
            _expect(f"The cost of {past.start}", one["cost"], past.cost, 0.001)
            if one["user"] != past.user:
                raise DemoError(f"{past.start} was {one['user']}, not {past.user}")

    async def live_cost(self, kind: Kind) -> None:
        """What the running session has cost is its energy at the prices of today."""
        key = kind.key
        energy = await self._api.find(key(1, "session_energy"))
        cost = await self._api.find(key(1, "session_cost"))
        state = await self._api.wait_for(
            cost, lambda state: bool(state.number), _PROMPT
        )
        if (unit := state.attributes["unit_of_measurement"]) != CURRENCY:
            raise DemoError(f"It costs {unit}")
        used, paid = await self._api.state(energy), await self._api.state(cost)
        price = (paid.number or 0) / (used.number or 1)
        if not min(HOURLY_PRICES) * 0.9 < price < max(HOURLY_PRICES) * 1.1:
            raise DemoError(f"{used.value} kWh cost {paid.value} {unit}")

    async def table(self) -> None:
        """The sensor of the guide shows the newest sessions and the last months."""
        total = (await self._sessions())["totals"]["sessions"]
        state = await self._api.wait_for(
            _TABLE, lambda state: state.number == total, _PROMPT
        )
        await self._rows(state)
        months = state.attributes["months"]
        if [one["month"] for one in months] != sorted(
            (one["month"] for one in months), reverse=True
        ):
            raise DemoError(f"These are not the last months: {months}")
        first = min(one["month"] for one in months)
        ours = [
            one
            for one in (await self._sessions())["sessions"]
            if one["started"] >= first
        ]
        _expect(
            "The number of sessions in the last months",
            sum(one["sessions"] for one in months),
            len(ours),
            0,
        )
        _expect(
            "What the months cost",
            fsum(one["cost"].get(CURRENCY, 0) for one in months),
            fsum(one["cost"] or 0 for one in ours),
            # A session may be going on.
            0.01 + 0.0001 * len(ours),
        )

    async def _rows(self, state: State) -> None:
        rows = state.attributes["sessions"]
        newest = (await self._sessions())["sessions"][:_ROWS]
        _expect("The number of rows", len(rows), len(newest), 0)
        for row, one in zip(rows, newest, strict=True):
            if (row["started"], row["charger"]) != (one["started"], one["name"]):
                raise DemoError(f"A row shows {row} of {one}")
            if not one["open"]:
                _expect("The energy of a row", row["energy"], one["energy_kwh"], 0)
                _expect("The cost of a row", row["cost"], one["cost"], 0)

    async def newest(self, kind: Kind) -> None:
        """The session that has just ended is in the table, with its energy and cost."""
        energy = await self._api.state(
            await self._api.find(kind.key(1, "session_energy"))
        )
        cost = await self._api.state(await self._api.find(kind.key(1, "session_cost")))

        def newest(state: State) -> Json | None:
            for row in state.attributes["sessions"]:
                if row["charger"] == kind.name:
                    found: Json = row
                    return found
            return None

        def ended(state: State) -> bool:
            row = newest(state)
            return row is not None and not row["open"]

        row = newest(await self._api.wait_for(_TABLE, ended, _PROMPT))
        assert row
        _expect("The energy of the row", row["energy"], energy.number or 0, 0.001)
        _expect("The cost of the row", row["cost"], cost.number or 0, 0.001)

    async def statistics(self) -> None:
        """Statistics have what each charger has used and what that cost."""
        for charger in self._scene.chargers:
            kind = charger.kind
            past = self._scene.past.of(kind)
            series = f"{DOMAIN}:{kind.identity.casefold()}"
            await self._adds_up(f"{series}_energy", past, _kwh(past))
            await self._adds_up(
                f"{series}_cost_{CURRENCY.casefold()}",
                past,
                fsum(session.cost for session in past),
            )

    async def _adds_up(
        self, statistic: str, past: Sequence[PastSession], expected: float
    ) -> None:
        async def found() -> float:
            answer = await self._api.send(
                "recorder/statistics_during_period",
                start_time=past[0].start.replace(minute=0).isoformat(),
                end_time=past[-1].end.replace(minute=0).isoformat(),
                statistic_ids=[statistic],
                period="hour",
                types=["change"],
            )
            return fsum(row["change"] or 0 for row in answer.get(statistic, ()))

        change = await self._api.poll(
            found, bool, _PATIENCE, f"Statistics of {statistic}"
        )
        _expect(statistic, change, expected, 0.01)

    async def export(self) -> None:
        """Whoever has the link of an export gets all sessions, without logging in."""
        answer = await self._api.ask(f"{DOMAIN}.export_sessions")
        status, text = await self._api.download(answer["url"])
        if status != 200:
            raise DemoError(f"The link is answered {status}")
        lines = list(csv.DictReader(text.removeprefix("\ufeff").splitlines()))
        told = await self._sessions()
        _expect("The lines", len(lines), told["totals"]["sessions"], 0)
        _expect("The number of sessions", answer["sessions"], len(lines), 0)
        _expect(
            "The cost in the file",
            fsum(float(line["Cost"] or 0) for line in lines),
            told["totals"]["cost"][CURRENCY],
            0.01 + 0.0001 * len(lines),
        )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _kwh(sessions: Sequence[PastSession]) -> float:
    return fsum(session.energy for session in sessions) / 1000
