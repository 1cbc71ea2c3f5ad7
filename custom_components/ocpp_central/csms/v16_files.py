"""OCPP 1.6: new firmware for a charger, and files from it."""

from datetime import datetime

from ocpp.v16.enums import Action

from .clock import format_time
from .connection import Payload
from .v16_base import Base16


class Files16(Base16):
    """The commands about firmware, diagnostics and logs."""

    numbers_jobs = False

    async def update_firmware(
        self,
        location: str,
        retrieve_date: datetime,
        *,
        request_id: int | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> Payload:
        """UpdateFirmware (5.19), which has no number."""
        return await self._command(
            Action.update_firmware,
            {
                "location": location,
                "retrieveDate": format_time(retrieve_date),
                **_retries(retries, retry_interval),
            },
        )

    async def get_diagnostics(
        self,
        location: str,
        *,
        request_id: int | None = None,
        start: datetime | None = None,
        stop: datetime | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> Payload:
        """GetDiagnostics (5.9), which has no number."""
        return await self._command(
            Action.get_diagnostics,
            {
                "location": location,
                **_times(startTime=start, stopTime=stop),
                **_retries(retries, retry_interval),
            },
        )

    async def get_log(
        self,
        log_type: str,
        request_id: int,
        location: str,
        *,
        oldest: datetime | None = None,
        latest: datetime | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> Payload:
        """GetLog (security whitepaper, 5.3)."""
        return await self._command(
            Action.get_log,
            {
                "logType": log_type,
                "requestId": request_id,
                "log": {
                    "remoteLocation": location,
                    **_times(oldestTimestamp=oldest, latestTimestamp=latest),
                },
                **_retries(retries, retry_interval),
            },
        )

    async def signed_update_firmware(
        self,
        request_id: int,
        location: str,
        retrieve_date: datetime,
        signing_certificate: str,
        signature: str,
        *,
        install_date: datetime | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> Payload:
        """SignedUpdateFirmware (security whitepaper, 5.6)."""
        return await self._command(
            Action.signed_update_firmware,
            {
                "requestId": request_id,
                "firmware": {
                    "location": location,
                    "retrieveDateTime": format_time(retrieve_date),
                    **_times(installDateTime=install_date),
                    "signingCertificate": signing_certificate,
                    "signature": signature,
                },
                **_retries(retries, retry_interval),
            },
        )


def _times(**times: datetime | None) -> Payload:
    return {name: format_time(time) for name, time in times.items() if time}


def _retries(retries: int | None, interval: int | None) -> Payload:
    values = {"retries": retries, "retryInterval": interval}
    return {name: value for name, value in values.items() if value is not None}
