"""What was measured, as a table and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
import json
import os
from pathlib import Path
import platform
import subprocess
from typing import Any

from .alone import CentralSystemAlone, SetUp
from .compare import Comparison, Measured
from .configuration import INTEGRATION, ROOT

# The budgets of the design.
RATIO = 1.3
MESSAGES_PER_SECOND = 10_000
MEMORY = 150_000
SET_UP = 0.3

_HEAD = (
    "charge points",
    "recorder",
    "entities",
    "msg/s",
    "",
    "CPU µs/msg",
    "",
    "ratio",
    "p50 ms",
    "",
    "p99 ms",
    "",
    "RSS MB",
    "",
)
_SIDES = ("", "", "", *("floor", "ours") * 2, "", *("floor", "ours") * 3)


@dataclass
class Results:
    """All that one run measured."""

    machine: dict[str, str]
    effort: dict[str, Any]
    comparisons: list[Comparison] = field(default_factory=list)
    central_system: CentralSystemAlone | None = None
    set_up: SetUp | None = None

    def as_json(self) -> str:
        """Return everything, in SI units but for µs."""
        return json.dumps(
            {
                "machine": self.machine,
                "effort": self.effort,
                "comparisons": [
                    {
                        **asdict(comparison.case),
                        "ratio": comparison.ratio,
                        "floor": comparison.floor.summary(),
                        "integration": comparison.integration.summary(),
                    }
                    for comparison in self.comparisons
                ],
                "memory_per_charge_point": _memory_by_size(self.comparisons),
                "central_system": self.central_system and asdict(self.central_system),
                "set_up": self.set_up and asdict(self.set_up),
            },
            indent=2,
        )

    def as_text(self) -> str:
        """Return what a person reads."""
        return "\n".join(
            [
                ", ".join(f"{name} {value}" for name, value in self.machine.items()),
                "",
                *_table(self.comparisons, self.effort["rate"]),
                "",
                *self._budgets(),
            ]
        )

    def _budgets(self) -> Iterator[str]:
        if self.comparisons:
            worst = max(comparison.ratio for comparison in self.comparisons)
            yield _verdict(
                worst <= RATIO,
                f"CPU per message at worst {worst:.2f} of the floor (budget {RATIO})",
            )
        for side, memory in _memory_by_size(self.comparisons).items():
            yield f"      {side}: {memory / 1000:.0f} kB of memory a charge point"
        if alone := self.central_system:
            for size in alone.sizes:
                yield _verdict(
                    size.messages_per_second >= MESSAGES_PER_SECOND,
                    f"csms alone, {size.charge_points} charge points:"
                    f" {size.messages_per_second:,.0f} messages/s"
                    f" ({size.messages_per_cpu_second:,.0f} per second of CPU;"
                    f" budget {MESSAGES_PER_SECOND:,})",
                )
            yield (
                f"      csms alone, {alone.events.charge_points} charge points:"
                f" {alone.events.messages_per_second:,.0f} TransactionEvents of"
                " OCPP 2.0.1 a second"
            )
            memory = alone.memory_per_charge_point
            yield _verdict(
                memory <= MEMORY,
                f"csms alone: {memory / 1000:.0f} kB a connected charge point"
                f" (budget {MEMORY / 1000:.0f})",
            )
        if set_up := self.set_up:
            yield _verdict(
                set_up.loop_cpu <= SET_UP,
                f"import and set-up: {set_up.loop_cpu * 1000:.0f} ms of the event loop"
                f" (budget {SET_UP * 1000:.0f}), which was held for"
                f" {set_up.longest_hold * 1000:.0f} ms at most;"
                f" done after {set_up.elapsed * 1000:.0f} ms, imports in other threads"
                " included",
            )


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    manifest = json.loads((INTEGRATION / "manifest.json").read_text())
    return {
        "CPU": _cpu_model(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Home Assistant": version("homeassistant"),
        manifest["name"]: f"{manifest['version']} {_commit()}".strip(),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except OSError, subprocess.CalledProcessError:
        return ""
    return f"({done.stdout.strip()})"


def _table(comparisons: Sequence[Comparison], rate: float) -> Iterator[str]:
    rows = [_row(comparison) for comparison in comparisons]
    widths = [
        max(len(row[column]) for row in (_HEAD, _SIDES, *rows))
        for column in range(len(_HEAD))
    ]
    for row in (_HEAD, _SIDES, *rows):
        yield "  ".join(
            cell.rjust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
    yield ""
    yield (
        "Eight values a message, all of them new. msg/s: every charge point sends as soon"
        " as it is answered."
    )
    yield (
        f"p50 and p99: time to the answer at {rate:g} messages/s, of all charge points"
        " together."
    )
    if any(comparison.case.transaction for comparison in comparisons):
        yield "tx: within a transaction, the session's energy being a ninth sensor on both sides."
    if any(comparison.case.reduced for comparison in comparisons):
        yield "only 8: all other entities are disabled, on both sides."


def _row(comparison: Comparison) -> tuple[str, ...]:
    case = comparison.case
    sides = [comparison.floor.summary(), comparison.integration.summary()]
    name = str(case.charge_points)
    name += " tx" if case.transaction else ""
    name += " only 8" if case.reduced else ""
    return (
        name,
        "yes" if case.recorder else "no",
        "/".join(str(side["entities"]) for side in sides)
        if sides[0]["entities"] != sides[1]["entities"]
        else str(sides[0]["entities"]),
        *(f"{side['messages_per_second']:.0f}" for side in sides),
        *(f"{side['cpu_us']:.1f}" for side in sides),
        f"{comparison.ratio:.2f}",
        *(f"{side['paced_latency_us']['p50'] / 1000:.2f}" for side in sides),
        *(f"{side['paced_latency_us']['p99'] / 1000:.2f}" for side in sides),
        *(f"{side['memory'] / 1e6:.0f}" for side in sides),
    )


def _memory_by_size(comparisons: Sequence[Comparison]) -> dict[str, float]:
    """Return bytes per charge point, entities included: from the smallest to the largest."""
    alike = [
        comparison
        for comparison in comparisons
        if not (comparison.case.recorder or comparison.case.transaction)
    ]
    if len(alike) < 2:
        return {}
    few = min(alike, key=lambda comparison: comparison.case.charge_points)
    many = max(alike, key=lambda comparison: comparison.case.charge_points)
    more = many.case.charge_points - few.case.charge_points

    def growth(one: Measured, other: Measured) -> float:
        return (other.memory - one.memory) / more

    return {
        "floor": growth(few.floor, many.floor),
        "ours": growth(few.integration, many.integration),
    }


def _verdict(good: bool, text: str) -> str:
    return f"{'ok  ' if good else 'OVER'}  {text}"
