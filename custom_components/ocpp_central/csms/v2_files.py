"""OCPP 2.0.1 and 2.1: new firmware for a charger, and files from it."""

from datetime import datetime
from typing import override

from ocpp.v201.enums import Action, LogEnumType

from .clock import format_time
from .connection import Handler, Payload
from .jobs import JobKind
from .v2_base import Base2, MessagesBase2


class FileMessages2(MessagesBase2):
    """The messages about new firmware for a charger, and files from it."""

    @property
    @override
    def handlers(self) -> dict[str, Handler]:
        return {
            **super().handlers,
            Action.publish_firmware_status_notification: self._on_publish_status,
        }

    def _on_publish_status(self, payload: Payload) -> Payload:
        """PublishFirmwareStatusNotification (L03)."""
        return self._job_status(JobKind.FIRMWARE, payload)


class Files2(Base2):
    """The commands about new firmware for a charger, and files from it."""

    numbers_jobs = True

    async def update_firmware(
        self,
        location: str,
        retrieve_date: datetime,
        *,
        request_id: int | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> Payload:
        """UpdateFirmware (L02)."""
        return await self._update_firmware(
            request_id,
            {"location": location, "retrieveDateTime": format_time(retrieve_date)},
            retries,
            retry_interval,
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
        """UpdateFirmware (L01)."""
        return await self._update_firmware(
            request_id,
            {
                "location": location,
                "retrieveDateTime": format_time(retrieve_date),
                **_times(installDateTime=install_date),
                "signingCertificate": signing_certificate,
                "signature": signature,
            },
            retries,
            retry_interval,
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
        """GetLog (N01); the name of the file is given as in OCPP 1.6 as well."""
        response = await self.get_log(
            LogEnumType.diagnostics_log,
            request_id or 0,
            location,
            oldest=start,
            latest=stop,
            retries=retries,
            retry_interval=retry_interval,
        )
        name = response.get("filename")
        return {**response, "fileName": name} if name else response

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
        """GetLog (N01)."""
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

    async def _update_firmware(
        self,
        request_id: int | None,
        firmware: Payload,
        retries: int | None,
        retry_interval: int | None,
    ) -> Payload:
        return await self._command(
            Action.update_firmware,
            {
                "requestId": request_id or 0,
                "firmware": firmware,
                **_retries(retries, retry_interval),
            },
        )


def _times(**times: datetime | None) -> Payload:
    return {name: format_time(time) for name, time in times.items() if time}


def _retries(retries: int | None, interval: int | None) -> Payload:
    values = {"retries": retries, "retryInterval": interval}
    return {name: value for name, value in values.items() if value is not None}
