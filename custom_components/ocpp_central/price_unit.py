"""What a price is in: "EUR/kWh", "öre/kWh", "ct / MWh" and whatever else entities say."""

from dataclasses import dataclass
import re
from typing import Final
import unicodedata

from homeassistant.generated.currencies import ACTIVE_CURRENCIES

_UNIT: Final = re.compile(
    r"(?P<money>.+?)\.?(?:/|per)(?P<energy>[kM]?Wh)", re.IGNORECASE
)
_KWH: Final = {"wh": 0.001, "kwh": 1.0, "mwh": 1000.0}

# Which currencies it may stand for. It has to be told by Home Assistant's own
# currency where there are several.
_DOLLARS: Final = (
    *("USD", "AUD", "BBD", "BMD", "BND", "BSD", "BZD", "CAD", "FJD", "GYD", "HKD"),
    *("JMD", "KYD", "LRD", "NAD", "NZD", "SBD", "SGD", "SRD", "TTD", "TWD", "XCD"),
    *("ARS", "CLP", "COP", "CUP", "DOP", "MXN", "UYU"),
)
_CROWNS: Final = ("SEK", "NOK", "DKK", "ISK")
_POUNDS: Final = ("GBP", "EGP", "FKP", "GIP", "LBP", "SHP", "SSP", "SYP")
_SYMBOLS: Final[dict[str, tuple[str, ...]]] = {
    "€": ("EUR",),
    "euro": ("EUR",),
    "euros": ("EUR",),
    "$": _DOLLARS,
    "us$": ("USD",),
    "a$": ("AUD",),
    "au$": ("AUD",),
    "ca$": ("CAD",),
    "nz$": ("NZD",),
    "s$": ("SGD",),
    "hk$": ("HKD",),
    "nt$": ("TWD",),
    "r$": ("BRL",),
    "£": _POUNDS,
    "¥": ("JPY", "CNY"),
    "円": ("JPY",),
    "元": ("CNY",),
    "kr": _CROWNS,
    "kč": ("CZK",),
    "kc": ("CZK",),
    "zł": ("PLN",),
    "zl": ("PLN",),
    "ft": ("HUF",),
    "lei": ("RON", "MDL"),
    "лв": ("BGN",),
    "fr": ("CHF",),
    "sfr": ("CHF",),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₪": ("ILS",),
    "₴": ("UAH",),
    "₺": ("TRY",),
    "₽": ("RUB",),
    "₱": ("PHP",),
    "฿": ("THB",),
    "₫": ("VND",),
}
_HUNDREDTHS: Final[dict[str, tuple[str, ...]]] = {
    "p": ("GBP", "FKP", "GIP", "SHP"),
    "pence": ("GBP", "FKP", "GIP", "SHP"),
    "gbx": ("GBP",),
    "øre": ("DKK", "NOK"),
    "öre": ("SEK",),
    "ore": ("SEK", "NOK", "DKK"),
    "snt": ("EUR",),
    "gr": ("PLN",),
    "rp": ("CHF",),
    "rappen": ("CHF",),
}
_CENTS: Final = ("cents", "cent", "ct", "c", "¢")
# Where only the case tells what is meant, and "c$" are cents.
_BY_CASE: Final = {"GBp": "pence", "C$": "ca$"}


@dataclass(frozen=True, slots=True)
class PriceUnit:
    """The currency of a price, and what a price is divided by to be one of a kWh."""

    currency: str
    divisor: float

    def per_kwh(self, price: float) -> float:
        """Return the price of a kWh in the currency itself."""
        return round(price / self.divisor, 9)


def parse_price_unit(unit: str, home: str) -> PriceUnit | None:
    """Return what a unit of measurement means; None where that has to be guessed.

    `home` is Home Assistant's own currency: it is meant where a sign has many.
    """
    text = "".join(unicodedata.normalize("NFKC", unit).split())
    match = _UNIT.fullmatch(text)
    # That is a thousandth of a Wh, which nobody sells; whether MWh is meant is a guess.
    if match is None or match["energy"] == "mWh":
        return None
    if (money := _money(match["money"], home)) is None:
        return None
    currency, parts = money
    return PriceUnit(currency, parts * _KWH[match["energy"].casefold()])


def _money(text: str, home: str) -> tuple[str, int] | None:
    """Return the currency, and how many of what is named make one of it."""
    name = _BY_CASE.get(text) or text.casefold()
    if name == "rp" and home == "IDR":
        return home, 1
    if currency := _major(name, home):
        return currency, 1
    if name in _CENTS:
        return home, 100
    if (candidates := _HUNDREDTHS.get(name)) and (
        currency := _one_of(candidates, home)
    ):
        return currency, 100
    for cents in _CENTS:
        for major in (name.removesuffix(cents), name.removeprefix(cents)):
            if major != name and (currency := _major(major, home)):
                return currency, 100
    return None


def _major(name: str, home: str) -> str | None:
    if (code := name.upper()) in ACTIVE_CURRENCIES:
        return code
    return _one_of(_SYMBOLS.get(name, ()), home)


def _one_of(candidates: tuple[str, ...], home: str) -> str | None:
    if home in candidates:
        return home
    return candidates[0] if len(candidates) == 1 else None
