"""What charging costs, by tariffs that the station knows (OCPP 2.1, I)."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, override

from simulator.clock import parse_time

from . import hooks
from .charging_handlers import refusal
from .connection import Connection2, serves
from .schemas import Payload
from .variables import Variable

if TYPE_CHECKING:
    from .features import Features
    from .station import Evse

_PRICED = ("energy", "chargingTime", "idleTime", "fixedFee")
_TIMED = {"chargingTime": 60.0, "idleTime": 60.0}


class Tariffs(hooks.Costs):
    """The tariffs for everybody, by EVSE, and those for the drivers who charge."""

    def __init__(self, charger: Features) -> None:
        """Know no tariff."""
        self._charger = charger
        #: By EVSE, those that count and those that will.
        self._defaults: dict[int, list[Payload]] = {}
        self._drivers: dict[int, Payload] = {}
        #: What each running transaction is charged by.
        self._running: dict[str, Payload] = {}
        if charger.version != "2.1":
            return

        def add(name: str, value: str, kind: str, mutability: str = "ReadOnly") -> None:
            variable = Variable(value, kind, mutability)
            charger.variables.add(f"TariffCostCtrlr.{name}", variable)

        add("Available[Tariff]", "true", "boolean")
        add("Available[Cost]", "true", "boolean")
        add("Enabled[Tariff]", "true", "boolean", "ReadWrite")
        add("Enabled[Cost]", "true", "boolean", "ReadWrite")
        add("Enabled[RunningCost]", "false", "boolean", "ReadWrite")
        add("Currency", "EUR", "string", "ReadWrite")
        add("MaxElements[Tariff]", "5", "integer")
        add("ConditionsSupported[Tariff]", "false", "boolean")

    def _truth(self, name: str) -> bool:
        return self._charger.variables.truth(f"TariffCostCtrlr.{name}")

    # What the central system asks for

    def check(self, tariff: Payload) -> str | None:
        """The status that refuses a tariff this station cannot use."""
        most = self._charger.variables.integer("TariffCostCtrlr.MaxElements[Tariff]")
        parts = [tariff[key] for key in _PRICED if key in tariff]
        if any(len(part["prices"]) > most for part in parts):
            return "TooManyElements"
        conditional = any(
            "conditions" in each for part in parts for each in part["prices"]
        )
        if conditional and not self._truth("ConditionsSupported[Tariff]"):
            return "ConditionNotSupported"
        return None

    def set_default(self, evse_id: int, tariff: Payload) -> str:
        """Let everybody pay by a tariff, and return the status to answer."""
        evses = self._evses(evse_id)
        if not evses or not self._truth("Enabled[Tariff]"):
            return "Rejected"
        if (refused := self.check(tariff)) is not None:
            return refused
        drivers = (*self._drivers.values(), *self._running.values())
        defaults = [each for known in self._defaults.values() for each in known]
        if any(
            each["tariffId"] == tariff["tariffId"]
            and each not in defaults
            and each != tariff
            for each in drivers
        ):
            return "DuplicateTariffId"
        later = self._is_later(tariff)
        for evse in evses:
            known = self._defaults.get(evse, [])
            kept = [each for each in known if self._is_later(each) != later]
            self._defaults[evse] = [*kept, tariff]
        return "Accepted"

    def _is_later(self, tariff: Payload) -> bool:
        begin = tariff.get("validFrom")
        return begin is not None and parse_time(begin) > self._charger.clock.now()

    def _evses(self, evse_id: int) -> list[int]:
        every = [evse.id for evse in self._charger.station.evses]
        return every if evse_id == 0 else [each for each in every if each == evse_id]

    def assignments(self, evse_id: int) -> list[Payload]:
        """Who pays by which tariff."""
        evses = self._evses(evse_id)
        found: dict[str, Payload] = {}
        for evse in evses:
            for tariff in self._defaults.get(evse, []):
                told = found.setdefault(
                    tariff["tariffId"],
                    {
                        "tariffId": tariff["tariffId"],
                        "tariffKind": "DefaultTariff",
                        "evseIds": [],
                    },
                )
                told["evseIds"].append(evse)
                if "validFrom" in tariff:
                    told["validFrom"] = tariff["validFrom"]
        answer = list(found.values())
        for evse in evses:
            if (own := self._drivers.get(evse)) is None:
                continue
            holder = self._charger.station.evses[evse - 1].authorization
            told = {
                "tariffId": own["tariffId"],
                "tariffKind": "DriverTariff",
                "evseIds": [evse],
            }
            if holder is not None:
                told["idTokens"] = [holder.token["idToken"]]
            answer.append(told)
        return answer

    def clear(self, evse_id: int, wanted: list[str] | None) -> list[Payload]:
        """Forget default tariffs, and tell about each of them."""
        evses = self._evses(evse_id)
        known = {
            tariff["tariffId"]: None
            for evse in evses
            for tariff in self._defaults.get(evse, [])
        }
        for evse in evses:
            self._defaults[evse] = [
                tariff
                for tariff in self._defaults.get(evse, [])
                if wanted is not None and tariff["tariffId"] not in wanted
            ]
        if wanted is None:
            told = [{"tariffId": each, "status": "Accepted"} for each in known]
            return told or [{"status": "NoTariff"}]
        return [
            {"tariffId": each, "status": "Accepted" if each in known else "NoTariff"}
            for each in wanted
        ]

    def change(self, transaction_id: str, tariff: Payload) -> str:
        """Let a running transaction be charged by another tariff."""
        for evse in self._charger.station.busy:
            if evse.transaction is None or evse.transaction.id != transaction_id:
                continue
            before = self.of(evse)
            if before is not None and before["currency"] != tariff["currency"]:
                return "NoCurrencyChange"
            if (refused := self.check(tariff)) is not None:
                return refused
            self._running[transaction_id] = tariff
            return "Accepted"
        return "TxNotFound"

    # What it costs

    def of(self, evse: Evse) -> Payload | None:
        """What an EVSE is charged by now."""
        if evse.transaction is not None and evse.transaction.id in self._running:
            return self._running[evse.transaction.id]
        if evse.id in self._drivers:
            return self._drivers[evse.id]
        known = self._defaults.get(evse.id, [])
        return next((each for each in known if not self._is_later(each)), None)

    @override
    def authorized(self, evse: Evse, answer: Payload) -> None:
        self._drivers.pop(evse.id, None)
        tariff = answer.get("tariff")
        if tariff is not None and self._truth("Enabled[Tariff]"):
            self._drivers[evse.id] = tariff

    @override
    def cost(self, evse: Evse) -> float | None:
        tariff = self.of(evse)
        if tariff is None or not self._truth("Enabled[Cost]"):
            return None
        return round(sum(self._parts(evse, tariff).values()), 4)

    def _usage(self, evse: Evse) -> dict[str, float]:
        """What was used: energy in kWh, and seconds of charging and of not charging."""
        if (tx := evse.transaction) is None:
            return {"energy": 0.0, "chargingTime": 0.0, "idleTime": 0.0}
        elapsed = (self._charger.clock.now() - tx.start) / timedelta(seconds=1)
        return {
            "energy": (evse.energy_wh - tx.meter_start) / 1000,
            "chargingTime": tx.charged,
            "idleTime": max(0.0, elapsed - tx.charged),
        }

    def _parts(self, evse: Evse, tariff: Payload) -> dict[str, float]:
        """The cost of each thing, without tax."""
        parts: dict[str, float] = {}
        for key, amount in self._usage(evse).items():
            if key in tariff:
                price = tariff[key]["prices"][0]
                rate = price["priceKwh"] if key == "energy" else price["priceMinute"]
                parts[key] = amount / _TIMED.get(key, 1.0) * rate
        if "fixedFee" in tariff:
            parts["fixed"] = tariff["fixedFee"]["prices"][0]["priceFixed"]
        return parts

    @override
    def event(self, evse: Evse, event: Payload) -> dict[str, Any]:
        tariff = self.of(evse)
        if tariff is None or not self._truth("Enabled[Cost]"):
            return {}
        kind = event["eventType"]
        running = kind == "Updated" and self._truth("Enabled[RunningCost]")
        more: dict[str, Any] = {}
        if kind == "Ended" or running:
            parts = self._parts(evse, tariff)
            total = round(sum(parts.values()), 4)
            usage = self._usage(evse)
            cost = {
                "currency": tariff["currency"],
                "typeOfCost": "NormalCost",
                **{key: {"exclTax": round(value, 4)} for key, value in parts.items()},
                "total": {"exclTax": total, "inclTax": total},
            }
            used = {
                "energy": usage["energy"],
                "chargingTime": int(usage["chargingTime"]),
                "idleTime": int(usage["idleTime"]),
            }
            more["costDetails"] = {"totalCost": cost, "totalUsage": used}
        if kind == "Ended":
            self._drivers.pop(evse.id, None)
            self._running.pop(event["transactionInfo"]["transactionId"], None)
        else:
            more["transactionInfo"] = {
                **event["transactionInfo"],
                "tariffId": tariff["tariffId"],
            }
        return more


class TariffHandlers(Connection2):
    """Serves the requests about tariffs and costs."""

    @serves("SetDefaultTariff")
    def on_set_default_tariff(self, payload: Payload) -> Payload:
        """Let everybody pay by a tariff (I07)."""
        tariffs = self._charger.tariffs
        return {"status": tariffs.set_default(payload["evseId"], payload["tariff"])}

    @serves("GetTariffs")
    def on_get_tariffs(self, payload: Payload) -> Payload:
        """Tell who pays by which tariff (I08)."""
        if payload["evseId"] > len(self._charger.station.evses):
            return refusal("Rejected", "UnknownEvse")
        found = self._charger.tariffs.assignments(payload["evseId"])
        if not found:
            return {"status": "NoTariff"}
        return {"status": "Accepted", "tariffAssignments": found}

    @serves("ClearTariffs")
    def on_clear_tariffs(self, payload: Payload) -> Payload:
        """Forget tariffs (I09)."""
        results = self._charger.tariffs.clear(
            payload.get("evseId", 0), payload.get("tariffIds")
        )
        return {"clearTariffsResult": results}

    @serves("ChangeTransactionTariff")
    def on_change_transaction_tariff(self, payload: Payload) -> Payload:
        """Let a transaction be charged by another tariff (I11)."""
        tariffs = self._charger.tariffs
        status = tariffs.change(payload["transactionId"], payload["tariff"])
        return {"status": status}
