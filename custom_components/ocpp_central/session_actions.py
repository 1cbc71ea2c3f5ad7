"""The actions that get charging sessions out: as an answer, and as files."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, Final

from homeassistant.components import persistent_notification
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import (
    async_get_device_and_config_entry,
    async_register_admin_service,
)
from homeassistant.util import dt as dt_util
from sqlalchemy.orm import Session
import voluptuous as vol

from .const import DOMAIN
from .csms.model import STATION
from .devices import identity_and_connector
from .exports import Table, async_write, export_folder, new_name
from .files import async_signed_url
from .hub import OcppConfigEntry, OcppHub
from .ledger import LedgerError, queries
from .ledger.queries import SessionFilter, SessionRecord, StatementLine
from .sessions import (
    SESSION_COLUMNS,
    SessionWriter,
    statement_columns,
    statement_row,
    totals_as_dict,
)

_MAX_LIMIT: Final = 1000
# Sessions that are read in one go while chargers wait.
_PAGE: Final = 500

_LINK_VALID: Final = timedelta(days=7)
# Everybody who can log in sees notifications.
_NOTIFIED_LINK_VALID: Final = timedelta(hours=1)

_FILTER: Final = {
    vol.Optional("start"): vol.Any(cv.datetime, cv.date),
    vol.Optional("end"): vol.Any(cv.datetime, cv.date),
    vol.Optional(ATTR_DEVICE_ID): cv.string,
    vol.Optional("id_token"): cv.string,
    vol.Optional("user"): cv.string,
}
_GET_SESSIONS: Final = vol.Schema(
    {
        **_FILTER,
        vol.Optional("limit", default=100): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=_MAX_LIMIT)
        ),
        vol.Optional("offset", default=0): vol.All(
            vol.Coerce(int), vol.Range(min=0, max=2**31)
        ),
    }
)
_EXPORT_SESSIONS: Final = vol.Schema(
    {
        **_FILTER,
        vol.Optional("kind", default="sessions"): vol.In(["sessions", "statement"]),
        vol.Optional("group_by", default="id_token"): vol.In(["id_token", "user"]),
    }
)


@callback
def async_setup_session_actions(hass: HomeAssistant) -> None:
    """Register the actions; whose card was where is for administrators."""
    async_register_admin_service(
        hass,
        DOMAIN,
        "get_sessions",
        partial(_async_get_sessions, hass),
        schema=_GET_SESSIONS,
        supports_response=SupportsResponse.ONLY,
    )
    async_register_admin_service(
        hass,
        DOMAIN,
        "export_sessions",
        partial(_async_export_sessions, hass),
        schema=_EXPORT_SESSIONS,
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_get_sessions(
    hass: HomeAssistant, call: ServiceCall
) -> ServiceResponse:
    """Return a page of sessions, and what all of them come to."""
    hub, which = _asked(hass, call.data)
    with _translated_errors():
        return await hub.ledger.ask(
            partial(
                read_sessions,
                which=which,
                limit=call.data["limit"],
                offset=call.data["offset"],
                writer=_writer(hub),
            )
        )


def read_sessions(
    session: Session,
    *,
    which: SessionFilter,
    limit: int,
    offset: int,
    writer: SessionWriter,
) -> dict[str, Any]:
    """Put an answer together (on the ledger's thread)."""
    records = queries.newest(session, which, limit, offset)
    signed = queries.signed_values(session, records)
    totals = queries.totals(session, which)
    following = offset + len(records)
    return {
        "sessions": [
            writer.as_dict(record, signed.get(record.id, ())) for record in records
        ],
        "totals": totals_as_dict(totals),
        "next_offset": following if following < totals.sessions else None,
    }


async def _async_export_sessions(
    hass: HomeAssistant, call: ServiceCall
) -> ServiceResponse:
    """Write a file, and tell where it is."""
    hub, which = _asked(hass, call.data)
    kind = call.data["kind"]
    name = new_name(
        kind,
        which.start and dt_util.as_local(which.start).date(),
        dt_util.as_local(which.end or dt_util.utcnow()).date(),
    )
    path = export_folder(hass) / name
    with _translated_errors():
        if kind == "sessions":
            count = await async_write(hass, path, _sessions(hub, which))
        else:
            by_user = call.data["group_by"] == "user"
            count = await async_write(
                hass, path, _statement(hub, which, by_user=by_user)
            )
    if call.return_response:
        return {
            "file": name,
            "path": str(path),
            "url": async_signed_url(hass, name, _LINK_VALID),
            "sessions": count,
        }
    url = async_signed_url(hass, name, _NOTIFIED_LINK_VALID)
    persistent_notification.async_create(
        hass,
        # Without a target, the frontend takes the link for one of its own pages.
        f'<a href="{url}" target="_blank">{name}</a> ({count})',
        "Charging sessions",
        f"{DOMAIN}_{name}",
    )
    return None


def _sessions(hub: OcppHub, which: SessionFilter) -> Table[SessionRecord]:
    """Return sessions one by one, the oldest first."""

    async def pages() -> AsyncIterator[list[SessionRecord]]:
        last: SessionRecord | None = None
        while page := await hub.ledger.ask(
            partial(queries.following, which=which, limit=_PAGE, last=last)
        ):
            yield page
            last = page[-1]

    return Table(
        columns=SESSION_COLUMNS,
        pages=pages(),
        as_row=_writer(hub).as_row,
        sessions=lambda _: 1,
    )


def _statement(
    hub: OcppHub, which: SessionFilter, *, by_user: bool
) -> Table[tuple[str, StatementLine]]:
    """Return what everybody has used, month by month."""

    async def pages() -> AsyncIterator[list[tuple[str, StatementLine]]]:
        span = await hub.ledger.ask(partial(queries.span, which=which))
        if span is None:
            return
        for month, start, end in _months(*span):
            part = replace(
                which,
                start=max(start, which.start or start),
                end=min(end, which.end or end),
            )
            lines = await hub.ledger.ask(
                partial(queries.statement, which=part, by_user=by_user)
            )
            yield [(month, line) for line in lines]

    return Table(
        columns=statement_columns(by_user=by_user),
        pages=pages(),
        as_row=lambda line: statement_row(*line, by_user=by_user),
        sessions=lambda line: line[1].sessions,
    )


def _months(
    first: datetime, last: datetime
) -> Iterator[tuple[str, datetime, datetime]]:
    """Return the months that hold two moments, as they are where Home Assistant is."""
    day = dt_util.as_local(first).date().replace(day=1)
    while (start := dt_util.start_of_local_day(day)) <= last:
        following = (day + timedelta(days=31)).replace(day=1)
        yield f"{day:%Y-%m}", start, dt_util.start_of_local_day(following)
        day = following


def _asked(hass: HomeAssistant, data: dict[str, Any]) -> tuple[OcppHub, SessionFilter]:
    """Return whom an action asks, and for what."""
    identity, connector = None, STATION
    entry: OcppConfigEntry
    if device_id := data.get(ATTR_DEVICE_ID):
        device, entry = async_get_device_and_config_entry(hass, DOMAIN, device_id)
        identity, connector = identity_and_connector(device)
    else:
        entries: list[OcppConfigEntry] = hass.config_entries.async_loaded_entries(
            DOMAIN
        )
        if not entries:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="not_running"
            )
        entry = entries[0]
    start, end = _moment(data.get("start")), _moment(data.get("end"))
    if start and end and end <= start:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="end_before_start"
        )
    return entry.runtime_data, SessionFilter(
        start=start,
        end=end,
        identity=identity,
        connector=None if connector == STATION else connector,
        id_token=data.get("id_token"),
        user=data.get("user"),
    )


def _moment(value: date | None) -> datetime | None:
    """Return a moment; what has no time zone is where Home Assistant is."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt_util.get_default_time_zone())
    return dt_util.as_utc(value)


def _writer(hub: OcppHub) -> SessionWriter:
    return SessionWriter(
        zone=dt_util.get_default_time_zone(),
        now=dt_util.utcnow(),
        charge_points={
            identity: (charge_point.identity, charge_point.config.name)
            for identity, charge_point in hub.central.charge_points.items()
        },
    )


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn what a disk refuses into an error in the user's language."""
    try:
        yield
    except LedgerError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="ledger_unreadable",
            translation_placeholders={"error": str(error)},
        ) from error
    except OSError as error:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="export_failed",
            translation_placeholders={"error": str(error)},
        ) from error
