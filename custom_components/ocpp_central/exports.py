"""Tables of sessions as files."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
import re
import secrets
import time
from typing import Final, TextIO

from homeassistant.core import HomeAssistant

from .const import DOMAIN

_KEEP: Final = 50
_ABANDONED: Final = 86_400.0
EXPORT_NAME: Final = re.compile(
    r"[a-z]+_(all|\d{4}-\d\d-\d\d)_\d{4}-\d\d-\d\d_[0-9a-f]{8}\.csv", re.ASCII
)
_PART: Final = ".part"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table[T]:
    """Lines that come page by page."""

    columns: Iterable[str]
    pages: AsyncIterator[Sequence[T]]
    as_row: Callable[[T], Sequence[str]]
    # How many sessions a line stands for.
    sessions: Callable[[T], int]


def export_folder(hass: HomeAssistant) -> Path:
    """Return where the files are: not where Home Assistant serves everybody."""
    return Path(hass.config.path(DOMAIN, "exports"))


def new_name(kind: str, start: date | None, end: date) -> str:
    """Return a name that no other file has."""
    return f"{kind}_{start or 'all'}_{end}_{secrets.token_hex(4)}.csv"


async def async_write[T](hass: HomeAssistant, path: Path, table: Table[T]) -> int:
    """Write a table, which is there once it is whole; returns how many sessions."""
    run = hass.async_add_executor_job
    file = await run(_open, path)
    sessions = 0
    try:
        await run(_write, file, [table.columns])
        async for page in table.pages:
            sessions += sum(map(table.sessions, page))
            await run(_write, file, map(table.as_row, page))
        await run(_finish, file, path)
    except BaseException:
        await run(_discard, file, path)
        raise
    return sessions


def _part(path: Path) -> Path:
    return path.with_suffix(_PART)


def _open(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Excel takes a file for UTF-8 only if it begins with the mark; others skip it.
    return _part(path).open("x", encoding="utf-8-sig", newline="")


def _write(file: TextIO, rows: Iterable[Iterable[str]]) -> None:
    csv.writer(file).writerows(rows)


def _finish(file: TextIO, path: Path) -> None:
    file.close()
    _part(path).replace(path)
    with suppress(OSError):
        # Another export may be tidying up as well; and the file is there.
        _tidy_up(path.parent)


def _discard(file: TextIO, path: Path) -> None:
    # A disk that is full refuses what is still to be written.
    with suppress(OSError):
        file.close()
    _part(path).unlink(missing_ok=True)


def _tidy_up(where: Path) -> None:
    """Delete what is old, or was left behind when Home Assistant was killed."""
    files = [path for path in where.iterdir() if EXPORT_NAME.fullmatch(path.name)]
    files.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in files[_KEEP:]:
        path.unlink()
    for path in where.glob(f"*{_PART}"):
        if path.stat().st_mtime < time.time() - _ABANDONED:
            path.unlink()
