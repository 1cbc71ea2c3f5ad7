"""What is kept of prices."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from custom_components.ocpp_central.csms.prices import KEPT, Price
from custom_components.ocpp_central.ledger import Ledger
from custom_components.ocpp_central.ledger.prices import keep, known

from .common import TODAY, at


async def on_disk(ledger: Ledger) -> Sequence[Price]:
    """Return what a restart would find."""
    return await ledger.ask(partial(known, since=TODAY - KEPT, now=TODAY))


async def test_the_last_word_counts(ledger: Ledger) -> None:
    """A price is written again and again, as it becomes known for how long it held."""
    first = Price(at(-60), at(-60), 0.3, "EUR")
    later = Price(at(-60), at(-30), 0.3, "EUR")
    fixed = Price(at(-30), None, 0.25, "SEK")
    await ledger.ask(partial(keep, prices=[first]))
    # It held for no time at all.
    assert await on_disk(ledger) == []
    for _ in range(2):
        await ledger.ask(partial(keep, prices=[fixed, later]))
        assert await on_disk(ledger) == [later, fixed]
    await ledger.ask(partial(keep, prices=[Price(at(-30), at(-10), 0.25, "SEK")]))
    assert [price.end for price in await on_disk(ledger)] == [at(-30), at(-10)]


async def test_what_matters_no_more(ledger: Ledger) -> None:
    """Neither what is long over, nor what a wrong clock has put into the future."""
    old = TODAY - KEPT
    over = Price(old - timedelta(hours=2), old - timedelta(hours=1), 0.1, "EUR")
    just = Price(old - timedelta(hours=1), old + timedelta(hours=1), 0.2, "EUR")
    future = Price(at(1), None, 0.3, "EUR")
    await ledger.ask(partial(keep, prices=[future, just, over]))
    assert await on_disk(ledger) == [just]
