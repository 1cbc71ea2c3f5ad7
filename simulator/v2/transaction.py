"""A transaction, and somebody who was authorized."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.clock import Ticker, Timer

from .schemas import Payload


@dataclass(eq=False)
class Authorization:
    """Somebody who may charge.

    Attributes:
        token: The IdToken.
        group: The group the token belongs to: its other tokens may end the transaction.
        remote: The number of the remote start, if it was one, until it was told.
        reservation: The reservation it has taken up.
        timer: Runs while the car is waited for.
        refused: The central system did not accept the token: no energy.
    """

    token: Payload
    group: Payload | None = None
    remote: int | None = None
    profile: Payload | None = None
    timer: Timer | None = None
    reservation: int | None = None
    refused: bool = False


@dataclass(eq=False)
class Transaction:
    """A transaction as OCPP 2.x sees it.

    Attributes:
        id: What the charger calls it.
        sequence: The number of the next message about it.
        points: Which conditions of its beginning and end it has met so far.
        told: The charging state the central system knows.
        reason: Why it is about to end, once its authorization has ended.
        collected: Meter values for its last message.
        cost: The last total that the central system has told.
        limits: The limits that the central system has set (2.1).
        reached: The trigger of a limit that was reached.
        place: Where the central system knows it to be.
        charged: How long energy has flowed, in seconds.
    """

    id: str
    start: datetime
    meter_start: float
    sequence: int = 0
    points: set[str] = field(default_factory=set)
    told: str | None = None
    token_told: bool = False
    reason: str | None = None
    collected: list[dict[str, Any]] = field(default_factory=list)
    cost: float | None = None
    message: Payload | None = None
    limits: dict[str, float] = field(default_factory=dict)
    reached: str | None = None
    charged: float = 0.0
    place: Payload | None = None
    cable_told: bool = False
    tickers: list[Ticker] = field(default_factory=list)
