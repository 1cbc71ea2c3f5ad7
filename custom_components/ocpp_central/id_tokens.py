"""Tokens: those that the user has added, and unknown ones that were shown."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_NAME
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util

from .const import (
    CONF_EXPIRY_DATE,
    CONF_GROUP,
    CONF_ONE_SESSION_EACH,
    CONF_PERSON,
    CONF_STATUS,
    CONF_TOKEN,
    SUBENTRY_ID_TOKEN,
)
from .csms.authorization import Tokens
from .csms.model import KnownToken
from .storage import OcppStore
from .token_form import STATUSES


class IdTokens:
    """Keeps what chargers are answered in step with the subentries."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, tokens: Tokens, store: OcppStore
    ) -> None:
        """Know no token yet."""
        self._hass = hass
        self._entry = entry
        self._tokens = tokens
        self._store = store
        self._persons: set[str] = set()
        self._unsubscribe: Callable[[], None] | None = None

    @callback
    def async_start(self) -> None:
        """Bring back the unknown tokens, and remember those that come."""
        self._tokens.restore(self._store.unknown_tokens)
        self._tokens.on_unknown = self._remember

    @callback
    def async_stop(self) -> None:
        """Follow nobody any more."""
        if self._unsubscribe:
            self._unsubscribe()
            self._unsubscribe = None

    @callback
    def async_reconcile(self) -> None:
        """Take the tokens there are; they count from now on."""
        subentries = [
            subentry
            for subentry in self._entry.subentries.values()
            if subentry.subentry_type == SUBENTRY_ID_TOKEN
        ]
        self._follow(
            {
                subentry.data[CONF_PERSON]
                for subentry in subentries
                if CONF_PERSON in subentry.data
            }
        )
        self._tokens.set(
            [self._known(subentry) for subentry in subentries],
            one_session_each=self._entry.options.get(CONF_ONE_SESSION_EACH, False),
        )

    def _known(self, subentry: ConfigSubentry) -> KnownToken:
        data = subentry.data
        last_day = data.get(CONF_EXPIRY_DATE)
        person = data.get(CONF_PERSON)
        return KnownToken(
            id_token=data[CONF_TOKEN],
            name=data[CONF_NAME],
            user=self._name_of(person) if person else None,
            status=STATUSES[data[CONF_STATUS]],
            expires=_end_of(date.fromisoformat(last_day)) if last_day else None,
            group=data.get(CONF_GROUP),
        )

    def _name_of(self, person: str) -> str | None:
        """Return what a person is called, also while Home Assistant starts."""
        if state := self._hass.states.get(person):
            return state.name
        entry = er.async_get(self._hass).async_get(person)
        return (entry.name or entry.original_name) if entry else None

    def _follow(self, persons: set[str]) -> None:
        """Hear of it when one of these persons gets another name."""
        if persons == self._persons:
            return
        self.async_stop()
        self._persons = persons
        if persons:
            self._unsubscribe = async_track_state_change_event(
                self._hass, persons, self._on_person
            )

    @callback
    def _on_person(self, event: Event[EventStateChangedData]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        if new and (old is None or old.name != new.name):
            self.async_reconcile()

    def _remember(self) -> None:
        self._store.keep_unknown_tokens(self._tokens.unknown)


def _end_of(day: date) -> datetime:
    return dt_util.as_utc(dt_util.start_of_local_day(day + timedelta(days=1)))
