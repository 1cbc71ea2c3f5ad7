"""Runs the benchmark: `script/benchmark --help`."""

import argparse
import asyncio
from dataclasses import asdict
import os
from pathlib import Path
import sys

from .alone import measure_central_system, measure_set_up
from .compare import Case, Effort, compare
from .report import Results, machine
from .servers import split_cores
from .sessions import measure_sessions

_FULL = Effort(rounds=7, messages=3000, paced_rounds=2, paced_messages=300, rate=200)
_QUICK = Effort(rounds=3, messages=1000, paced_rounds=1, paced_messages=200, rate=200)
# The recorder writes so much later than the state changes that more messages in one go
# would only fill its queue.
_MESSAGES_RECORDED = 1000
# Sessions on disk, and how often each question is asked.
_MANY = (100_000, 50)
_FEW = (10_000, 20)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(
        prog="script/benchmark",
        description="What a meter value costs in Home Assistant, against an integration"
        " that only decodes, sets the sensors and answers.",
    )
    parser.add_argument("--quick", action="store_true", help="short rounds, two sizes")
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in text.split(",")],
        help="numbers of charge points, for instance 1,20,100",
    )
    parser.add_argument("--rounds", type=int, help="rounds of each side")
    parser.add_argument("--messages", type=int, help="messages in a round")
    parser.add_argument("--rate", type=float, help="messages/s to measure latency at")
    parser.add_argument(
        "--no-recorder", action="store_true", help="only without the recorder"
    )
    parser.add_argument(
        "--reduced",
        action="store_true",
        help="only the eight measured sensors enabled (Home Assistant limits an entry"
        " to 10,000 entities)",
    )
    parser.add_argument(
        "--sessions",
        action="store_true",
        help="only how long it takes to find charging sessions among 100,000",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    arguments = parser.parse_args()
    if arguments.sessions:
        _tell("Charging sessions")
        found = asyncio.run(measure_sessions(*(_FEW if arguments.quick else _MANY)))
        sys.stdout.write(found.as_text() + "\n")
        return
    effort = asdict(_QUICK if arguments.quick else _FULL)
    for name in ("rounds", "messages", "rate"):
        if (given := getattr(arguments, name)) is not None:
            effort[name] = given
    sizes = arguments.sizes or ([1, 20] if arguments.quick else [1, 20, 100])
    cases = [
        Case(charge_points=size, recorder=recorder, reduced=arguments.reduced)
        for recorder in ([False] if arguments.no_recorder else [False, True])
        for size in sizes
    ]
    if not arguments.reduced:
        cases.append(Case(charge_points=min(20, max(sizes)), transaction=True))
    results = asyncio.run(_run(cases, Effort(**effort), quick=arguments.quick))
    sys.stdout.write(results.as_text() + "\n")
    if arguments.json:
        arguments.json.write_text(results.as_json() + "\n")


async def _run(cases: list[Case], effort: Effort, *, quick: bool) -> Results:
    load_cores, cores = split_cores()
    if cores:
        os.sched_setaffinity(0, load_cores)
    else:
        _tell("Load and server cannot be kept on cores of their own here.")
    results = Results(machine(), asdict(effort))
    _tell("Set-up of the integration")
    results.set_up = await measure_set_up(1 if quick else 3, cores)
    _tell("Central system alone")
    results.central_system = await measure_central_system(
        sorted({case.charge_points for case in cases}),
        effort.rounds,
        effort.messages * 3,
        100 if quick else 300,
        cores,
    )
    for case in cases:
        _tell(
            f"{case.charge_points} charge points"
            f"{', recorder' if case.recorder else ''}"
            f"{', transaction' if case.transaction else ''}"
        )
        messages = effort.messages
        if case.recorder:
            messages = min(messages, _MESSAGES_RECORDED)
        fitting = Effort(**{**asdict(effort), "messages": messages})
        results.comparisons.append(await compare(case, fitting, cores))
    return results


def _tell(text: str) -> None:
    sys.stderr.write(f"{text} …\n")


if __name__ == "__main__":
    main()
