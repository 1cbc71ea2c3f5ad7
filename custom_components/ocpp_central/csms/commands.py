"""What a charger can be told, in any dialect."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from .configuration import ConfigurationKeys, Findings
from .connection import Payload, Priority
from .display import DisplayMessage
from .model import STATION, LimitProfile, Purpose
from .vocabulary import Setting


class Commands(Protocol):
    """What a charger can be told, in any dialect.

    Each returns the charger's answer as it came and raises a CommandError where the
    charger refuses or cannot be asked.
    """

    @property
    def protocol(self) -> str:
        """Return the subprotocol spoken, for instance "ocpp1.6"."""

    async def reset(self, kind: str, connector: int = STATION) -> Payload:
        """Restart the charger, or one EVSE: "Soft", "Hard" or the dialect's own word."""

    async def unlock_connector(self, connector: int) -> Payload:
        """Release the plug."""

    async def start_transaction(
        self, connector: int, id_token: str, profile: Payload | None = None
    ) -> Payload:
        """Ask the charger to start charging for a token."""

    async def stop_transaction(self, transaction_id: int | str) -> Payload:
        """Ask the charger to end a transaction."""

    async def get_transaction_status(self, transaction_id: str) -> Payload:
        """Return whether a transaction goes on, and whether more is to be told."""

    async def set_charging_profile(self, connector: int, profile: Payload) -> Payload:
        """Install a profile, as given."""

    async def clear_charging_profile(self, criteria: Payload) -> Payload:
        """Remove the profiles that match all criteria."""

    async def set_limit_profile(
        self,
        profile: LimitProfile,
        priority: Priority = Priority.USER,
        patience: float | None = None,
    ) -> Payload:
        """Install one of our own profiles.

        `patience` is how long the charger may take to answer, if not as long as any.
        """

    async def clear_limit_profile(
        self, purpose: Purpose, connector: int, stack: int = 0
    ) -> Payload:
        """Remove one of our own profiles."""

    async def get_charging_profiles(
        self,
        criteria: Payload,
        connector: int | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """Return the profiles that the charger, or one connector (0: itself), holds."""

    async def use_priority_charging(self, connector: int, active: bool) -> Payload:
        """Let a running transaction have all there is, or no longer."""

    async def get_composite_schedule(
        self,
        connector: int,
        duration: int,
        unit: str | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """Return the limits in force for the next `duration` seconds."""

    @property
    def reading(self) -> str:
        """Return the action that reads settings."""

    @property
    def sampling(self) -> Sequence[str]:
        """Return which messages tell of a transaction when triggered, the best first."""

    @property
    def portion(self) -> int | None:
        """Return how many settings to ask for at a time; None: as many as wanted."""

    @property
    def first_settings(self) -> Sequence[str]:
        """Return what to read when a charger is new; empty: everything."""

    @property
    def usual_settings(self) -> Sequence[str]:
        """Return what to ask for by name where a charger does not tell everything."""

    def setting_size(self, name: str) -> int:
        """Return how many bytes the name of a setting takes in a message."""

    async def read_settings(
        self, names: Sequence[str], priority: Priority = Priority.USER
    ) -> Findings:
        """Ask for settings by name, in one message."""

    async def read_all_settings(
        self, priority: Priority = Priority.USER
    ) -> ConfigurationKeys:
        """Ask for all settings."""

    async def set_configuration(
        self, key: str, value: str, priority: Priority = Priority.USER
    ) -> Payload:
        """Change a setting."""

    async def watch_settings(
        self, names: Sequence[str], priority: Priority = Priority.USER
    ) -> Mapping[str, int | None]:
        """Have the charger tell changes; returns the number of each watch, if any."""

    async def unwatch_settings(
        self, monitors: Sequence[int], priority: Priority = Priority.USER
    ) -> None:
        """End watches of ours."""

    def setting_name(self, setting: Setting) -> str:
        """Return what a setting is called; raises NotSupported where there is none."""

    async def change_availability(self, connector: int, operative: bool) -> Payload:
        """Put a connector, or with 0 the charger, in or out of service."""

    async def trigger_message(
        self, message: str, connector: int | None = None
    ) -> Payload:
        """Ask the charger to send a message now."""

    async def extended_trigger_message(
        self, message: str, connector: int | None = None
    ) -> Payload:
        """Ask for a message now, those about security and logs among them."""

    async def data_transfer(
        self, vendor_id: str, message_id: str | None, data: Any
    ) -> Payload:
        """Send vendor data: text, or in OCPP 2.x anything."""

    async def clear_cache(self) -> Payload:
        """Empty the charger's authorization cache."""

    @property
    def longest_token(self) -> int:
        """Return how long a token can be."""

    def list_entry(self, entry: Payload) -> Payload:
        """Return a token of the list, told as OCPP 1.6 does, as it goes out."""

    async def get_local_list_version(
        self, priority: Priority = Priority.USER
    ) -> Payload:
        """Return the version of the list of tokens on the charger."""

    async def send_local_list(
        self,
        list_version: int,
        update_type: str,
        local_authorization_list: list[Payload] | None = None,
        priority: Priority = Priority.USER,
    ) -> Payload:
        """Replace ("Full") or change ("Differential") the charger's list of tokens."""

    async def reserve_now(
        self,
        reservation_id: int,
        connector: int,
        id_token: str,
        expiry: datetime,
        parent_id_token: str | None = None,
        connector_type: str | None = None,
    ) -> Payload:
        """Keep a connector, or with 0 any one, free for a token."""

    async def cancel_reservation(self, reservation_id: int) -> Payload:
        """Keep a connector free no longer."""

    @property
    def numbers_jobs(self) -> bool:
        """Return whether any job has a number, also one without a signature."""

    async def update_firmware(
        self,
        location: str,
        retrieve_date: datetime,
        *,
        request_id: int | None = None,
        retries: int | None = None,
        retry_interval: int | None = None,
    ) -> Payload:
        """Have the charger fetch and install firmware."""

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
        """Have the charger upload a file for its maker."""

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
        """Have the charger upload a log."""

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
        """Have the charger fetch and install firmware that it can verify."""

    async def certificate_signed(
        self, certificate_chain: str, request_id: int | None = None
    ) -> Payload:
        """Hand over a certificate that the charger has asked for."""

    async def install_certificate(
        self, certificate_type: str, certificate: str
    ) -> Payload:
        """Have the charger trust the root certificate of an authority."""

    async def delete_certificate(self, certificate_hash_data: Payload) -> Payload:
        """Have the charger trust a root certificate no longer."""

    async def get_installed_certificate_ids(self, certificate_type: str) -> Payload:
        """Return which root certificates the charger trusts."""

    async def set_display_message(self, message: DisplayMessage) -> Payload:
        """Show a message on the charger's display."""

    async def clear_display_message(self, message_id: int) -> Payload:
        """Show a message no longer."""

    async def get_display_messages(
        self,
        ids: list[int] | None = None,
        priority: str | None = None,
        state: str | None = None,
    ) -> Payload:
        """Return the messages there are for the charger's display."""

    async def update_cost(self, transaction: str, cost: float) -> Payload:
        """Tell what a running transaction has cost so far."""

    async def call(
        self, action: str, payload: Payload, *, report: bool = False
    ) -> Payload:
        """Send any OCPP call, raw; on wish, wait for what is reported on it."""

    async def probe(self) -> Payload:
        """Make the cheapest call there is, for a sign of life."""
