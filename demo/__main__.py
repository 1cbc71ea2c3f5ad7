"""Run the demo or its check: `script/demo --help`."""

import argparse
import asyncio
import signal
import sys
import time

from . import DemoError
from .check import check
from .console import converse, welcome
from .pictures import photographer
from .processes import kill_all
from .stage import Stage, stage

_STARTED = time.monotonic()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/demo",
        description="A real Home Assistant with simulated chargers, to click through."
        " Everything it writes is gone when it ends.",
    )
    parser.add_argument(
        "--port",
        type=int,
        help="port of Home Assistant (default: any)",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="check without anybody watching that everything works, and take screenshots",
    )
    parser.add_argument(
        "--save-images",
        action="store_true",
        help="with --check, which then takes some minutes longer: renew the screenshots in"
        " docs/images, not only those in docs/images/candidates",
    )
    parser.add_argument(
        "--browser",
        help="Chromium or Chrome, for the screenshots (default: the one on PATH)",
    )
    return parser.parse_args()


def _say(text: str) -> None:
    print(f"[{time.monotonic() - _STARTED:5.1f} s] {text}", file=sys.stderr, flush=True)


async def _demo(scene: Stage) -> bool:
    _say("Setting up the integration")
    await scene.set_up_integration()
    for charger in scene.everybody:
        await charger.start()
    _say("Adding the chargers that were discovered")
    await scene.add_chargers()
    await scene.admit()
    await scene.populate()
    _say("Making the dashboards")
    path = await scene.furnish()
    await scene.api.close()
    print(welcome(scene, path), flush=True)
    ending = {
        asyncio.create_task(converse(scene)),
        asyncio.create_task(scene.home_assistant.ended()),
    }
    done, others = await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    for task in done:
        task.result()
    return True


async def _run(arguments: argparse.Namespace) -> bool:
    _say("Starting Home Assistant")
    async with stage(arguments.port) as scene:
        if not arguments.check:
            return await _demo(scene)
        if not arguments.browser:
            _say("There is no Chromium or Chrome here, so there will be no screenshots")
            return await check(scene, None, _say)
        async with photographer(
            scene, arguments.browser, publish=arguments.save_images
        ) as pictures:
            return await check(scene, pictures, _say)


async def _main(arguments: argparse.Namespace) -> int:
    """Run until the end, or until told to stop; told twice, at once."""
    task = asyncio.create_task(_run(arguments))
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if interrupted:
            kill_all()
        elif not task.done():
            _say("Stopping")
            task.cancel()
        interrupted = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupt)
    try:
        return 0 if await task else 1
    except asyncio.CancelledError:
        # Somebody who ends the demo has seen it work; an unfinished check proves nothing.
        return 130 if arguments.check else 0
    except (DemoError, TimeoutError) as error:
        for note in getattr(error, "__notes__", ()):
            print(note, file=sys.stderr)
        _say(f"error: {error}")
        return 1
    finally:
        kill_all()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(_arguments())))
