"""What was known of prices, kept over restarts.

Everything in here runs on the writer thread, inside a transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from custom_components.ocpp_central.csms.prices import Price

from .schema import PriceRow


def keep(session: Session, prices: Iterable[Price]) -> None:
    """Write prices, or what has become known of them since; each start has one."""
    for price in prices:
        session.merge(
            PriceRow(
                start=price.start,
                until=price.end,
                per_kwh=price.per_kwh,
                currency=price.currency,
            )
        )


def known(session: Session, since: datetime, now: datetime) -> Sequence[Price]:
    """Return the prices that held at some time in between, oldest first."""
    return [
        Price(row.start, row.until, row.per_kwh, row.currency)
        for row in session.scalars(
            select(PriceRow)
            .where(
                # None that a clock which was wrong has put into the future.
                PriceRow.start <= now,
                or_(
                    PriceRow.until.is_(None),
                    # Some held for no time at all.
                    (PriceRow.until > since) & (PriceRow.until > PriceRow.start),
                ),
            )
            .order_by(PriceRow.start)
        )
    ]
