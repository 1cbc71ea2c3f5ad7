"""Streams of values that are sent without an answer (OCPP 2.1, N11 to N15)."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

from simulator.clock import Ticker, format_time
from simulator.link import CallFailed, LinkDown

from .charging_handlers import refusal
from .connection import Connection2, serves
from .schemas import Payload

if TYPE_CHECKING:
    from .features import Features


@dataclass(eq=False)
class Stream:
    """A stream: values are sent after so many seconds, or when there are so many."""

    id: int
    monitor: int
    params: Payload
    ticker: Ticker
    accepted: bool = False
    values: list[tuple[datetime, str]] = field(default_factory=list)

    def wire(self) -> Payload:
        """Write constantStreamData."""
        return {
            "id": self.id,
            "variableMonitoringId": self.monitor,
            "params": self.params,
        }


class Streams:
    """The streams of a station."""

    def __init__(self, charger: Features) -> None:
        """Begin without any."""
        self._charger = charger
        self._streams: dict[int, Stream] = {}
        self._ids = count(1)

    @property
    def open_ones(self) -> list[Stream]:
        """The streams that the central system has accepted."""
        return [stream for stream in self._streams.values() if stream.accepted]

    def open(self, monitor: int, params: Payload) -> Stream:
        """Ask for a stream."""
        stream = Stream(
            next(self._ids),
            monitor,
            params,
            Ticker(self._charger.clock, lambda: self._flush(stream)),
        )
        self._streams[stream.id] = stream
        self._charger.activity.spawn(self._open(stream))
        return stream

    async def _open(self, stream: Stream) -> None:
        try:
            answer = await self._charger.outbox.put(
                "OpenPeriodicEventStream", {"constantStreamData": stream.wire()}
            )
        except LinkDown, CallFailed:
            return
        stream.accepted = answer["status"] == "Accepted"
        if stream.accepted:
            stream.ticker.start(stream.params.get("interval", 0))

    def adjust(self, stream_id: int, params: Payload) -> bool:
        """Send a stream in other portions, and tell whether it is there."""
        stream = self._streams.get(stream_id)
        if stream is None or not stream.accepted:
            return False
        stream.params = {**stream.params, **params}
        stream.ticker.start(stream.params.get("interval", 0))
        return True

    def sample(self, stream: Stream, value: str) -> None:
        """Have one more value."""
        stream.values.append((self._charger.clock.now(), value))
        most = stream.params.get("values", 0)
        if most and len(stream.values) >= most:
            self._flush(stream)

    def _flush(self, stream: Stream) -> None:
        if not stream.values or not self._charger.accepted:
            return
        values, stream.values = stream.values, []
        base = values[0][0]
        payload = {
            "id": stream.id,
            "pending": 0,
            "basetime": format_time(base),
            "data": [
                {"t": (when - base).total_seconds(), "v": value}
                for when, value in values
            ],
        }
        self._charger.send("NotifyPeriodicEventStream", payload)

    def close(self, stream: Stream) -> None:
        """Have no such stream any more, and say so (N14)."""
        self._flush(stream)
        stream.ticker.stop()
        if self._streams.pop(stream.id, None) is not None and stream.accepted:
            self._charger.outbox.put("ClosePeriodicEventStream", {"id": stream.id})

    def stop(self) -> None:
        """Stop all timers."""
        for stream in self._streams.values():
            stream.ticker.stop()


class StreamHandlers(Connection2):
    """Serves the requests about streams."""

    @serves("AdjustPeriodicEventStream")
    def on_adjust_periodic_event_stream(self, payload: Payload) -> Payload:
        """Send in other portions (N13)."""
        streams = self._charger.monitors.streams
        if streams.adjust(payload["id"], payload["params"]):
            return {"status": "Accepted"}
        return refusal("Rejected", "NotFound")

    @serves("GetPeriodicEventStream")
    def on_get_periodic_event_stream(self, payload: Payload) -> Payload:
        """Tell which streams there are (N12)."""
        found = [stream.wire() for stream in self._charger.monitors.streams.open_ones]
        return {"constantStreamData": found} if found else {}
