"""OCPP 2.0.1 and 2.1: the device model."""

from collections.abc import Sequence
from functools import partial
import logging
from typing import Any, override

from ocpp.v201.enums import (
    Action,
    AttributeEnumType,
    GetVariableStatusEnumType,
    MonitorEnumType,
    MutabilityEnumType,
    ReportBaseEnumType,
)
import orjson

from .capabilities import ConfigurationKey
from .configuration import ConfigurationKeys, Findings
from .connection import Payload, Priority
from .errors import CommandFailed, CommandRejected, InvalidCommand, NotSupported
from .payloads import member, members, number, real, text
from .v2_base import Base2
from .variables import name_of, named
from .vocabulary import Setting

_LOGGER = logging.getLogger(__name__)

_REPORTED_BY = "NotifyReport"
# What a charger says of a variable that it does not have.
_UNKNOWN = {
    GetVariableStatusEnumType.unknown_component.casefold(),
    GetVariableStatusEnumType.unknown_variable.casefold(),
    GetVariableStatusEnumType.not_supported_attribute_type.casefold(),
}
_REBOOT = "rebootrequired"
_TAKEN = {"accepted", _REBOOT}
# A change by more than this is told. Of what is no number, any change is (3.51).
_DELTA = 0.1
# Notice: it is nothing that anybody has to act on (N04).
_SEVERITY = 7


class Variables2(Base2):
    """The commands about the device model."""

    reading = "GetVariables"
    # Most chargers say how many they answer at a time; this is what any should.
    sampling = ("TransactionEvent", "MeterValues")
    portion = 10
    # A password can be changed, and not be read.
    first_settings = tuple(
        setting.variable
        for setting in Setting
        if setting.variable and setting is not Setting.PASSWORD
    )
    usual_settings = first_settings

    def setting_name(self, setting: Setting) -> str:
        """Return the variable."""
        if setting.variable is None:
            raise NotSupported(Action.set_variables, setting.name, "")
        return setting.variable

    def setting_size(self, name: str) -> int:
        """Return how many bytes the name of a variable takes in a message."""
        return len(orjson.dumps(named(name))) + 1

    # Reading

    async def read_settings(
        self, names: Sequence[str], priority: Priority = Priority.USER
    ) -> Findings:
        """GetVariables (B06)."""
        findings = Findings()
        asked: dict[str, str] = {}
        for name in names:
            if (variable := named(name)) is None:
                findings.unknown.append(name)
            else:
                asked[self._spelled(variable)] = name
        if not asked:
            return findings
        response = await self._command(
            Action.get_variables,
            {"getVariableData": [named(name) for name in asked]},
            priority,
        )
        results = {
            name_of(result).casefold(): result
            for result in members(response, "getVariableResult")
        }
        for canonical, name in asked.items():
            self._take_result(findings, name, results.get(canonical.casefold()))
        return findings

    def _spelled(self, variable: Payload) -> str:
        """Return the name of a variable as the charger spells it, if that is known."""
        return self._charge_point.configuration.spelled(name_of(variable))

    def _take_result(
        self, findings: Findings, name: str, result: Payload | None
    ) -> None:
        """Take what is said of one variable; one that cannot be read has no value."""
        status = text(result or {}, "attributeStatus").casefold()
        if result is None or not status:
            findings.unanswered.append(name)
        elif status in _UNKNOWN:
            findings.unknown.append(name)
        else:
            spelled = self._spelled(result)
            before = self._charge_point.configuration.get(spelled)
            known = before or ConfigurationKey(None, readonly=False)
            value = result.get("attributeValue")
            findings.known.add(
                spelled,
                ConfigurationKey(
                    str(value) if value is not None and status == "accepted" else None,
                    known.readonly,
                    known.most,
                ),
            )

    async def read_all_settings(
        self, priority: Priority = Priority.USER
    ) -> ConfigurationKeys:
        """GetBaseReport (B07): all there is, else at least all that can be changed."""
        try:
            return await self._base_report(ReportBaseEnumType.full_inventory, priority)
        except (CommandFailed, CommandRejected) as error:
            _LOGGER.debug("%s: %s", self._charge_point.identity, error)
        return await self._base_report(
            ReportBaseEnumType.configuration_inventory, priority
        )

    async def _base_report(self, base: str, priority: Priority) -> ConfigurationKeys:
        reports = self._charge_point.reports
        request_id = reports.new_id()
        request: Payload = {"requestId": request_id, "reportBase": base}
        report = await reports.gather(
            _REPORTED_BY,
            request_id,
            partial(self._command, Action.get_base_report, request, priority),
        )
        if not report.complete:
            # What has come is better than nothing; some never say that it is all.
            _LOGGER.debug(
                "%s: the report ended after %s parts",
                self._charge_point.identity,
                len(report.parts),
            )
        keys = ConfigurationKeys()
        for part in report.parts:
            keys = keys.updated(reported(part))
        if not keys:
            raise NotSupported(Action.get_base_report, "EmptyResultSet", "")
        return keys

    # Changing

    async def set_configuration(
        self, key: str, value: str, priority: Priority = Priority.USER
    ) -> Payload:
        """SetVariables (B05) with one variable; the status is that of the variable."""
        if (known := named(key)) is None:
            raise InvalidCommand(f"{key}: no Component.Variable")
        variable = named(self._spelled(known)) or known
        response = await self._command(
            Action.set_variables,
            {"setVariableData": [{**variable, "attributeValue": value}]},
            priority,
        )
        result: Payload = next(iter(members(response, "setVariableResult")), {})
        answer: Payload = {"status": result.get("attributeStatus")}
        if info := member(result, "attributeStatusInfo"):
            answer["statusInfo"] = info
        if text(answer, "status").casefold() not in _TAKEN:
            raise CommandRejected(Action.set_variables, answer)
        return answer

    @override
    async def _command(
        self,
        action: str,
        payload: Payload,
        priority: Priority = Priority.USER,
        patience: float | None = None,
    ) -> Payload:
        if action != Action.set_variables:
            return await super()._command(action, payload, priority, patience)
        settings = self._charge_point.settings
        values = {
            name_of(change).casefold(): str(change.get("attributeValue"))
            for change in members(payload, "setVariableData")
            if _is_actual(change)
        }
        # It may tell of the change before it has answered.
        settings.writing.update(values)
        try:
            response = await super()._command(action, payload, priority, patience)
        finally:
            for name in values:
                settings.writing.pop(name, None)
        for result in members(response, "setVariableResult"):
            name = name_of(result)
            status = text(result, "attributeStatus").casefold()
            if name.casefold() in values and _is_actual(result) and status in _TAKEN:
                settings.written(
                    self._spelled(result),
                    values[name.casefold()],
                    reboot=status == _REBOOT,
                )
        return response

    # Watching

    async def watch_settings(
        self, names: Sequence[str], priority: Priority = Priority.USER
    ) -> dict[str, int | None]:
        """SetVariableMonitoring (N04): be told of changes of variables.

        Returns the number of each monitor of ours; None where there is none, or one of
        somebody else's does the same.
        """
        monitors: dict[str, int | None] = {}
        for name in names:
            monitors[name] = None
            if (variable := named(name)) is None:
                continue
            wanted: Payload = {
                **variable,
                "type": MonitorEnumType.delta,
                "value": _DELTA,
                "severity": _SEVERITY,
            }
            try:
                response = await self._command(
                    Action.set_variable_monitoring,
                    {"setMonitoringData": [wanted]},
                    priority,
                )
            except NotSupported:
                return {**dict.fromkeys(names), **monitors}
            except CommandFailed as error:
                _LOGGER.debug("%s: %s: %s", self._charge_point.identity, name, error)
                continue
            for result in members(response, "setMonitoringResult"):
                if text(result, "status").casefold() == "accepted":
                    monitors[name] = number(result, "id")
        return monitors

    async def unwatch_settings(
        self, monitors: Sequence[int], priority: Priority = Priority.USER
    ) -> None:
        """ClearVariableMonitoring (N06)."""
        await self._command(
            Action.clear_variable_monitoring, {"id": list(monitors)}, priority
        )


def reported(part: Payload) -> ConfigurationKeys:
    """Return the variables in a part of a report (NotifyReport, B08)."""
    keys = ConfigurationKeys()
    for entry in members(part, "reportData"):
        if name := name_of(entry):
            attribute: Payload = next(
                filter(_is_actual, members(entry, "variableAttribute")), {}
            )
            mutability = text(attribute, "mutability").casefold()
            value: Any = attribute.get("value")
            if mutability == MutabilityEnumType.write_only.casefold():
                value = None
            most = real(member(entry, "variableCharacteristics"), "maxLimit")
            keys.add(
                name,
                ConfigurationKey(
                    None if value is None else str(value),
                    readonly=mutability == MutabilityEnumType.read_only.casefold()
                    or not attribute,
                    most=None if most is None else int(most),
                ),
            )
    return keys


def _is_actual(attribute: Payload) -> bool:
    kind = text(attribute, "type") or text(attribute, "attributeType")
    return kind.casefold() in ("", AttributeEnumType.actual.casefold())
