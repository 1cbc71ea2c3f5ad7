"""What entities say that a price is in."""

from homeassistant.generated.currencies import ACTIVE_CURRENCIES
from hypothesis import given, strategies as st
import pytest

from custom_components.ocpp_central.price_unit import parse_price_unit


@pytest.mark.parametrize(
    ("price", "unit", "home", "per_kwh", "currency"),
    [
        (0.3, "EUR/kWh", "EUR", 0.3, "EUR"),
        (0.3, "eur / KWH", "SEK", 0.3, "EUR"),
        (0.3, "Euro per kWh", "SEK", 0.3, "EUR"),
        (0.3, "€/kWh", "SEK", 0.3, "EUR"),
        (812.5, "SEK/MWh", "EUR", 0.8125, "SEK"),
        (0.0003, "EUR/Wh", "EUR", 0.3, "EUR"),
        (30, "ct/kWh", "EUR", 0.3, "EUR"),
        (30, "Cent/kWh", "EUR", 0.3, "EUR"),
        (30, "cents / kWh", "AUD", 0.3, "AUD"),
        (30, "c/kWh", "NZD", 0.3, "NZD"),
        (30, "¢/kWh", "USD", 0.3, "USD"),
        (30_000, "ct/MWh", "EUR", 0.3, "EUR"),
        (30, "c€/kWh", "SEK", 0.3, "EUR"),
        (30, "EURct/kWh", "SEK", 0.3, "EUR"),
        (30, "Eurocent/kWh", "SEK", 0.3, "EUR"),
        (30, "USD¢/kWh", "EUR", 0.3, "USD"),
        (30, "snt/kWh", "EUR", 0.3, "EUR"),
        (30, "p/kWh", "GBP", 0.3, "GBP"),
        (30, "GBp/kWh", "GBP", 0.3, "GBP"),
        (0.3, "GBP/kWh", "EUR", 0.3, "GBP"),
        (0.3, "£/kWh", "GBP", 0.3, "GBP"),
        (30, "öre/kWh", "SEK", 0.3, "SEK"),
        (30, "o\u0308re/kWh", "SEK", 0.3, "SEK"),
        (30, "Øre/kWh", "NOK", 0.3, "NOK"),
        (30, "ore/kWh", "DKK", 0.3, "DKK"),
        (0.3, "kr/kWh", "SEK", 0.3, "SEK"),
        (0.3, "kr./kWh", "DKK", 0.3, "DKK"),
        (0.3, "zł/kWh", "EUR", 0.3, "PLN"),
        (30, "gr/kWh", "PLN", 0.3, "PLN"),
        (5.5, "Kč/kWh", "EUR", 5.5, "CZK"),
        (30, "Rp/kWh", "CHF", 0.3, "CHF"),
        (30, "Rp./kWh", "CHF", 0.3, "CHF"),
        (1500, "Rp/kWh", "IDR", 1500, "IDR"),
        (0.3, "$/kWh", "CAD", 0.3, "CAD"),
        (0.3, "C$/kWh", "EUR", 0.3, "CAD"),
        (30, "c$/kWh", "USD", 0.3, "USD"),
        (31, "¥/kWh", "JPY", 31, "JPY"),
        (-0.05, "EUR/kWh", "EUR", -0.05, "EUR"),
    ],
)
def test_units(
    price: float, unit: str, home: str, per_kwh: float, currency: str
) -> None:
    """A price is understood as it is written around the world."""
    found = parse_price_unit(unit, home)
    assert found is not None
    assert (found.per_kwh(price), found.currency) == (per_kwh, currency)


@pytest.mark.parametrize(
    "unit",
    [
        *("", "/", "kWh", "/kWh", "EUR", "€", "EUR/", "EUR/kW", "EUR/h", "EUR/kWh/day"),
        *(
            "XYZ/kWh",
            "kWh/EUR",
            "EUR/GWh",
            "%",
            "W",
            "ctct/kWh",
            "12/kWh",
            "EUR SEK/kWh",
        ),
        # What has several meanings, none of them Home Assistant's currency.
        *("$/kWh", "kr/kWh", "¥/kWh", "£/kWh", "p/kWh", "øre/kWh"),
        # A thousandth of a Wh.
        "EUR/mWh",
    ],
)
def test_units_that_would_have_to_be_guessed(unit: str) -> None:
    """No price rather than a wrong one."""
    assert parse_price_unit(unit, "EUR") is None


@given(
    currency=st.sampled_from(sorted(ACTIVE_CURRENCIES)),
    home=st.sampled_from(sorted(ACTIVE_CURRENCIES)),
    energy=st.sampled_from([("Wh", 0.001), ("kWh", 1), ("KWH", 1), ("MWh", 1000)]),
    blank=st.sampled_from(["", " ", "\u00a0", "  "]),
    lower=st.booleans(),
    price=st.floats(-1e6, 1e6),
)
def test_every_currency(
    currency: str,
    home: str,
    energy: tuple[str, float],
    blank: str,
    lower: bool,
    price: float,
) -> None:
    """A code stands for its currency, wherever Home Assistant is at home."""
    name, divisor = energy
    code = currency.lower() if lower else currency
    unit = parse_price_unit(f"{code}{blank}/{blank}{name}", home)
    assert unit is not None
    assert unit.currency == currency
    assert unit.per_kwh(price) == pytest.approx(price / divisor, abs=1e-9)


@given(st.text(), st.sampled_from(["EUR", "USD", "SEK"]))
def test_any_text(text: str, home: str) -> None:
    """Whatever an entity's unit is, it is understood or not."""
    for unit in (text, f"{text}/kWh", f"{text}ct/kWh"):
        parse_price_unit(unit, home)
