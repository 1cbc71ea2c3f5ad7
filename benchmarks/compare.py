"""The floor against the integration: the same load on both, in turns."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from . import configuration, servers
from .chargers import Fleet

# The integration asks a charger a few things after it has been quiet for some seconds.
# That is over when nothing was asked for a while.
_SETTLE = 9
_SETTLED_AFTER = 3
_SETTLE_LIMIT = 90
_WARM_UP = 1000


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is compared."""

    charge_points: int
    recorder: bool = False
    # Within a transaction the session's energy is a ninth value.
    transaction: bool = False
    # Only the measured sensors are enabled.
    reduced: bool = False


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long it is measured."""

    rounds: int
    messages: int
    paced_rounds: int
    paced_messages: int
    # Messages a second, of all chargers together.
    rate: float


@dataclass
class Measured:
    """What one server did, one element a round. Times are in µs, memory in bytes."""

    entities: int = 0
    memory: int = 0
    per_second: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    latency: list[float] = field(default_factory=list)
    paced_cpu: list[float] = field(default_factory=list)
    paced_latency: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return medians and percentiles."""
        return {
            "entities": self.entities,
            "memory": self.memory,
            "messages_per_second": median(self.per_second),
            "cpu_us": median(self.cpu),
            "latency_us": _percentiles(self.latency),
            "paced_cpu_us": median(self.paced_cpu),
            "paced_latency_us": _percentiles(self.paced_latency),
        }


@dataclass(frozen=True)
class Comparison:
    """The floor and the integration in one case."""

    case: Case
    floor: Measured
    integration: Measured

    @property
    def ratio(self) -> float:
        """Return the median over the rounds of what the integration costs to the floor."""
        pairs = zip(self.integration.cpu, self.floor.cpu, strict=True)
        return median(ours / floor for ours, floor in pairs)


class Runner:
    """Measures one server under the load of its own chargers."""

    def __init__(self, server: servers.Server, fleet: Fleet) -> None:
        """Take over a server and its connected chargers."""
        self.server = server
        self.fleet = fleet
        self.measured = Measured()

    async def saturate(self, messages: int) -> None:
        """Measure one round at full load."""
        cpu = await self.server.cpu()
        begin = perf_counter()
        latencies = await self.fleet.saturate(messages)
        elapsed = perf_counter() - begin
        cpu = await self.server.drained_cpu() - cpu
        self.measured.per_second.append(messages / elapsed)
        self.measured.cpu.append(cpu / messages * 1e6)
        self.measured.latency += [latency * 1e6 for latency in latencies]

    async def pace(self, rate: float, messages: int) -> None:
        """Measure one round at a fixed rate."""
        cpu = await self.server.cpu()
        latencies = await self.fleet.pace(rate, messages)
        cpu = await self.server.drained_cpu() - cpu
        self.measured.paced_cpu.append(cpu / len(latencies) * 1e6)
        self.measured.paced_latency += [latency * 1e6 for latency in latencies]


async def compare(case: Case, effort: Effort, cores: list[int]) -> Comparison:
    """Run one case."""
    async with AsyncExitStack() as stack:
        folder = await stack.enter_async_context(servers.temporary_folder())
        integration = await _start_integration(stack, folder, case, cores)
        # The floor gets idle entities, so that both have as many.
        entities = integration.server.ready["entities"] // case.charge_points
        floor = await _start_floor(stack, folder, case, cores, entities)
        both = (floor, integration)
        await _settle(both, case)
        for runner in both:
            await runner.fleet.saturate(_WARM_UP)
            await runner.server.drained_cpu()
            runner.measured.memory = await runner.server.memory()
            runner.measured.entities = runner.server.ready["entities"]
        for _ in range(effort.rounds):
            for runner in both:
                await runner.saturate(effort.messages)
        for _ in range(effort.paced_rounds):
            for runner in both:
                await runner.pace(effort.rate, effort.paced_messages)
    return Comparison(case, floor.measured, integration.measured)


async def _start_integration(
    stack: AsyncExitStack, folder: Path, case: Case, cores: list[int]
) -> Runner:
    names = identities(case.charge_points)
    port = servers.free_port()
    return await _start(
        stack,
        folder / "integration",
        configuration.INTEGRATION,
        configuration.integration_entry(port, names, reduced=case.reduced),
        case,
        cores,
        enable=configuration.sensors_to_enable(names, reduced=case.reduced),
    )


async def _start_floor(
    stack: AsyncExitStack, folder: Path, case: Case, cores: list[int], entities: int
) -> Runner:
    names = identities(case.charge_points)
    busy = len(configuration.MEASURED) + case.transaction
    port = servers.free_port()
    return await _start(
        stack,
        folder / "floor",
        configuration.FLOOR,
        configuration.floor_entry(
            port, names, idle=entities - busy, session=case.transaction
        ),
        case,
        cores,
        enable=[],
    )


async def _start(
    stack: AsyncExitStack,
    folder: Path,
    component: Path,
    entry: dict[str, Any],
    case: Case,
    cores: list[int],
    enable: list[dict[str, str]],
) -> Runner:
    configuration.make_folder(folder, component, entry, servers.free_port())
    server = await stack.enter_async_context(
        servers.start(
            "home_assistant",
            cores,
            entry["data"]["port"],
            config=str(folder),
            domain=component.name,
            recorder=case.recorder,
            enable=enable,
        )
    )
    fleet = Fleet()
    stack.callback(fleet.close)
    await fleet.connect(server.port, identities(case.charge_points))
    return Runner(server, fleet)


async def _settle(runners: tuple[Runner, ...], case: Case) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await asyncio.sleep(_SETTLE)
    while loop.time() < begin + _SETTLE_LIMIT and any(
        loop.time() - runner.fleet.last_called() < _SETTLED_AFTER for runner in runners
    ):
        await asyncio.sleep(0.5)
    if case.transaction:
        for runner in runners:
            await runner.fleet.start_transactions()


def identities(count: int) -> list[str]:
    """Return the names of charge points."""
    return [f"cp{number:03}" for number in range(count)]


def _percentiles(values: list[float]) -> dict[str, float]:
    cuts = quantiles(values, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}
