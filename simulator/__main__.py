"""Run a simulated charge point: `python -m simulator --help`."""

import argparse
import asyncio
from contextlib import suppress
import logging
import signal
import sys
from typing import Any

from .car import Car
from .charger import Charger
from .clock import WallClock
from .console import Console, read_lines
from .scenarios import SCENARIOS, play
from .v2 import Charger2
from .zoo import ZOO, Personality

#: What a personality says in the stead of options.
_OF_PERSONALITIES = (
    "protocol",
    "connectors",
    "phases",
    "max_current",
    "vendor",
    "model",
    "firmware",
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description="A simulated charge point. It takes commands on standard input.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--url",
        default="ws://127.0.0.1:9000",
        help="central system, without the identity",
    )
    add("--identity", default="GARAGE", help="identity of the charge point")
    add(
        "--protocol",
        choices=("1.6", "2.0.1", "2.1"),
        default="1.6",
        help="version of OCPP to speak",
    )
    add(
        "--personality",
        choices=[personality.name for personality in ZOO],
        metavar="NAME",
        help="be like a charger of simulator/zoo.py, but for what else is given here",
    )
    add("--password", help="password for Basic authentication")
    add(
        "--connectors",
        type=int,
        default=1,
        help="number of connectors; of EVSEs in 2.x",
    )
    add(
        "--connectors-per-evse",
        type=int,
        default=1,
        help="how many of them share a meter, in 2.x",
    )
    add(
        "--phases",
        type=int,
        choices=(1, 2, 3),
        default=3,
        help="phases of the installation",
    )
    add(
        "--max-current",
        type=float,
        default=32.0,
        help="what a connector can carry, in A",
    )
    add(
        "--scenario",
        choices=SCENARIOS,
        default="idle",
        help="what happens at connector 1",
    )
    add("--token", default="CARD1", help="the card used by the scenario charging")
    add(
        "--speed",
        type=float,
        default=1.0,
        help="how fast energy flows; timestamps stay real",
    )
    add("--soc", action="store_true", help="report the state of charge")
    add("--meter-start", type=float, default=0.0, help="meter register at first, in Wh")
    add(
        "--car-capacity",
        type=float,
        default=60_000.0,
        help="battery of the cars, in Wh",
    )
    add(
        "--car-soc",
        type=float,
        default=40.0,
        help="their state of charge on arrival, in percent",
    )
    add(
        "--car-current",
        type=float,
        default=16.0,
        help="what they draw at most, in A per phase",
    )
    add(
        "--car-phases",
        type=int,
        choices=(1, 2, 3),
        default=3,
        help="the phases they use",
    )
    add("--vendor", default="Simulated Chargers", help="chargePointVendor")
    add("--model", default="SimCharge 22", help="chargePointModel")
    add("--serial", help="chargePointSerialNumber; the identity if not given")
    add("--firmware", default="1.0.0", help="firmwareVersion")
    add(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="configuration key, or Component.Variable in 2.x",
    )
    add(
        "--json",
        action="store_true",
        help="reply to commands with one line of JSON each",
    )
    add("--verbose", action="store_true", help="log every frame")
    if personality := _personality(parser.parse_args()):
        parser.set_defaults(
            **{name: getattr(personality, name) for name in _OF_PERSONALITIES}
        )
    arguments = parser.parse_args()
    for item in arguments.config:
        if "=" not in item:
            parser.error(f"--config needs KEY=VALUE, not {item}")
    if arguments.connectors < 1 or arguments.connectors_per_evse < 1:
        parser.error("there must be at least 1 connector")
    if arguments.speed <= 0:
        parser.error("--speed must be above zero")
    return arguments


def _personality(arguments: argparse.Namespace) -> Personality | None:
    return next((each for each in ZOO if each.name == arguments.personality), None)


def _charger(arguments: argparse.Namespace) -> Charger | Charger2:
    personality = _personality(arguments)
    config = dict(personality.config) if personality else {}
    options: dict[str, Any] = {
        "phases": arguments.phases,
        "max_current": arguments.max_current,
        "meter_start": arguments.meter_start,
        "password": arguments.password,
        "clock": WallClock(arguments.speed),
        "config": config | dict(item.split("=", 1) for item in arguments.config),
        "reports_soc": arguments.soc,
        "vendor": arguments.vendor,
        "model": arguments.model,
        "serial": arguments.serial,
        "firmware": arguments.firmware,
    }
    if personality:
        options |= {
            "boot_on_reconnect": personality.boot_on_reconnect,
            "quirks": personality.quirks,
        }
    if arguments.protocol == "1.6":
        return Charger(
            arguments.url,
            arguments.identity,
            connectors=arguments.connectors,
            **options,
        )
    return Charger2(
        arguments.url,
        arguments.identity,
        version=arguments.protocol,
        evses=arguments.connectors,
        connectors_per_evse=arguments.connectors_per_evse,
        **options,
    )


async def _run(arguments: argparse.Namespace) -> None:
    charger = _charger(arguments)

    def make_car() -> Car:
        return Car(
            capacity_wh=arguments.car_capacity,
            soc=arguments.car_soc,
            max_current=arguments.car_current,
            phases=arguments.car_phases,
        )

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Where there are no signals, KeyboardInterrupt does the same, less gracefully.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)

    await charger.start(wait=False)
    play(charger, arguments.scenario, make_car, arguments.token)
    if not arguments.json and sys.stdin.isatty():
        print("Type help for a list of commands.")
    console = Console(
        charger, make_car, arguments.json, lambda text: print(text, flush=True)
    )

    async def serve_commands() -> None:
        # Without anybody to command it, the charger goes on until it is told to stop by a signal.
        if await console.run(read_lines()):
            stop.set()

    commands = loop.create_task(serve_commands())
    await stop.wait()
    commands.cancel()
    await charger.stop()


def main() -> None:
    """Run until told to stop."""
    arguments = _arguments()
    logging.basicConfig(
        level=logging.DEBUG if arguments.verbose else logging.WARNING,
        format="%(asctime)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(arguments))


if __name__ == "__main__":
    main()
