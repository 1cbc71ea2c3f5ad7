"""What the charger does when it is asked for files, or to install firmware."""

from typing import TYPE_CHECKING, Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action

from .clock import parse_time
from .connection import Connection, serves

if TYPE_CHECKING:
    from .charger import Charger

_RETRY_INTERVAL = 60


class FileHandlers(Connection):
    """Serves the requests about firmware, diagnostics and logs."""

    _charger: Charger

    @serves(Action.get_diagnostics)
    def on_get_diagnostics(
        self,
        location: str,
        retries: int = 0,
        retry_interval: int = _RETRY_INTERVAL,
        **_span: Any,
    ) -> call_result.GetDiagnostics:
        """Send a file, if there is one."""
        name, begin = self._charger.maintenance.diagnostics(
            location, retries, retry_interval
        )
        if begin is not None:
            self.then(begin)
        return call_result.GetDiagnostics(name)

    @serves(Action.get_log)
    def on_get_log(
        self,
        log: dict[str, Any],
        log_type: str,
        request_id: int,
        retries: int = 0,
        retry_interval: int = _RETRY_INTERVAL,
    ) -> call_result.GetLog:
        """Send a log instead of what is being sent."""
        status, name, begin = self._charger.maintenance.log(
            request_id, log_type, log["remote_location"], retries, retry_interval
        )
        if begin is not None:
            self.then(begin)
        return call_result.GetLog(status, name)

    @serves(Action.update_firmware)
    def on_update_firmware(
        self,
        location: str,
        retrieve_date: str,
        retries: int = 0,
        retry_interval: int = _RETRY_INTERVAL,
    ) -> call_result.UpdateFirmware:
        """Pretend to install a file."""
        self.then(
            self._charger.maintenance.update(
                parse_time(retrieve_date), retries, retry_interval
            )
        )
        return call_result.UpdateFirmware()

    @serves(Action.signed_update_firmware)
    def on_signed_update_firmware(
        self,
        request_id: int,
        firmware: dict[str, Any],
        retries: int = 0,
        retry_interval: int = _RETRY_INTERVAL,
    ) -> call_result.SignedUpdateFirmware:
        """Pretend to install a file whose signature is right."""
        install = firmware.get("install_date_time")
        status, begin = self._charger.maintenance.signed_update(
            request_id,
            parse_time(firmware["retrieve_date_time"]),
            None if install is None else parse_time(install),
            firmware["signing_certificate"],
            retries,
            retry_interval,
        )
        if begin is not None:
            self.then(begin)
        return call_result.SignedUpdateFirmware(status)
