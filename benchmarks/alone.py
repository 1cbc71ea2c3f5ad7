"""What is measured without comparing: the central system alone, and set-up."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from . import configuration, servers
from .chargers import Fleet
from .compare import identities

_WARM_UP = 2000
_EVENT_SENDERS = 20


@dataclass(frozen=True, kw_only=True)
class CentralSystemSize:
    """The central system with so many charge points."""

    charge_points: int
    messages_per_second: float
    # What the server's core would do, were it never to wait for the load.
    messages_per_cpu_second: float


@dataclass(frozen=True, kw_only=True)
class CentralSystemAlone:
    """The central system without Home Assistant."""

    sizes: list[CentralSystemSize]
    # The same samples in TransactionEvents of OCPP 2.0.1.
    events: CentralSystemSize
    # Bytes, with a listener for each of the eight values.
    memory_per_charge_point: float


@dataclass(frozen=True, kw_only=True)
class SetUp:
    """Import and set-up of the integration in Home Assistant, in seconds."""

    elapsed: float
    # CPU of the event loop's own thread, and how long it was held at a stretch. Home
    # Assistant imports in other threads.
    loop_cpu: float
    longest_hold: float


async def measure_central_system(
    sizes: list[int], rounds: int, messages: int, most: int, cores: list[int]
) -> CentralSystemAlone:
    """Measure the central system alone; memory with `most` charge points."""
    results = [
        await _throughput(size, "1.6", rounds, messages, cores) for size in sizes
    ]
    events = await _throughput(_EVENT_SENDERS, "2.0.1", rounds, messages, cores)
    async with AsyncExitStack() as stack:
        server, _ = await _start(stack, most, cores)
        memory = await server.memory() - server.ready["rss"]
    return CentralSystemAlone(
        sizes=results, events=events, memory_per_charge_point=memory / most
    )


async def _throughput(
    size: int, version: str, rounds: int, messages: int, cores: list[int]
) -> CentralSystemSize:
    async with AsyncExitStack() as stack:
        server, fleet = await _start(stack, size, cores, version)
        rates, cpu_rates = [], []
        for _ in range(rounds):
            cpu, begin = await server.cpu(), perf_counter()
            await fleet.saturate(messages)
            rates.append(messages / (perf_counter() - begin))
            cpu_rates.append(messages / (await server.cpu() - cpu))
        return CentralSystemSize(
            charge_points=size,
            messages_per_second=median(rates),
            messages_per_cpu_second=median(cpu_rates),
        )


async def _start(
    stack: AsyncExitStack, size: int, cores: list[int], version: str = "1.6"
) -> tuple[servers.Server, Fleet]:
    names = identities(size)
    server = await stack.enter_async_context(
        servers.start("central_system", cores, servers.free_port(), identities=names)
    )
    fleet = Fleet(version)
    stack.callback(fleet.close)
    await fleet.connect(server.port, names)
    await fleet.saturate(_WARM_UP)
    return server, fleet


async def measure_set_up(rounds: int, cores: list[int]) -> SetUp:
    """Measure how the integration starts, with one charge point, the median of each."""
    ready = []
    for _ in range(rounds):
        async with AsyncExitStack() as stack:
            folder = await stack.enter_async_context(servers.temporary_folder())
            port = servers.free_port()
            entry = configuration.integration_entry(port, identities(1), reduced=False)
            configuration.make_folder(
                folder, configuration.INTEGRATION, entry, servers.free_port()
            )
            server = await stack.enter_async_context(
                servers.start(
                    "home_assistant",
                    cores,
                    port,
                    config=str(folder),
                    domain=configuration.INTEGRATION.name,
                    recorder=False,
                    enable=[],
                )
            )
            ready.append(server.ready)
    return SetUp(
        elapsed=median(one["elapsed"] for one in ready),
        loop_cpu=median(one["loop_cpu"] for one in ready),
        longest_hold=median(one["longest_hold"] for one in ready),
    )
