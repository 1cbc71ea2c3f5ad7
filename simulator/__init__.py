"""Simulated charge points of OCPP 1.6-J, 2.0.1 and 2.1, for the demo, the tests and the benchmark.

They are implementations independent of the integration: they validate both directions strictly, by
the schemas of the `ocpp` package, and evaluate charging profiles by code of their own. `Charger`
speaks 1.6; `Charger2` speaks 2.0.1 or 2.1 and has the same methods, see below.

    charger = Charger(url, "GARAGE", connectors=2, clock=ManualClock(), config={...})
    await charger.start()                        # connected, booted, accepted, at rest
    charger.connector(1).plug_in(Car(capacity_wh=60_000, soc=40, max_current=16))
    await charger.swipe("CARD1", connector=1)    # "Accepted", and a transaction runs
    await clock.advance(60)
    charger.connector(1).current                 # .power .energy_wh .status .transaction_id .offered
    await charger.stop()

Life: `start(wait=True)`, `stop()`, `connected()`, `drop(silent=False)`, `reconnect()`, `reboot()`,
`power_loss()`. A lost connection is dialled again after 2, 4, 8 … 60 seconds of the clock; whatever
belongs to a transaction is kept and sent then. Restarts take `REBOOT_SECONDS` of the clock.

At the charger: `connector(n).plug_in(car)`, `connector(n).unplug()`, `swipe(token, connector)`,
`stop_transaction(connector, reason)`, `fault(connector, error_code)`, `clear_fault(connector)`,
`call(action, payload)` for any other request, such as DataTransfer.

To look at: `requests` and `sent`, lists of `(action, payload)` as on the wire; `violations`, what the
central system did that OCPP does not allow (an empty list in a good test); `profiles`,
`configuration`, `accepted`, `state()`. `await wait_for(condition)` waits for anything, woken by
events; `await settle()` waits until nothing is under way. A central system that keeps silent is waited
for once, `activity.patience` real seconds.

Security: `Charger(…, password=…, security={"profile": 2, "tls": context, "secure_url": "wss://…"})`, the
arguments of `simulator.security.Security`; `security.request()` makes a request for a certificate.

Bad manners: `answer(action, payload, times=None)`, `error(action, code, …)`, `never_answer(action)`,
`behave()`. An overridden request has no effect whatever it was answered with.

Quirks: `Charger(…, quirks=Quirks(…))` limits its current as real chargers do, against the standard; see
`simulator.quirks`. `simulator.zoo` knows some by name.

OCPP 2.x: `Charger2(url, "GARAGE", version="2.1", evses=2, connectors_per_evse=1, config={…},
tx_start_points="EVConnected,Authorized", …)`, with `Component.Variable` for names in `config`.
`connector(1)` is the first connector of EVSE 1, `connector(101)` or `connector(1, 2)` its second one.
`variables` is the device model, `events.meter` how meter values are written; `arrive(evse)` and
`depart(evse)` are for parking bays. How requests are served is told in `simulator.v2`.

Time is a `Clock`. With a `ManualClock` nothing happens until `advance(seconds)`, which goes from timer
to timer and lets the charger come to rest after each. With `WallClock(speed=60)` only the physics run
faster: see `simulator.clock`. What the charger makes of charging profiles is in
`simulator.profiles`, as pure functions that other code can be compared with.
"""

from .car import Car
from .charger import REBOOT_SECONDS, Charger
from .clock import Clock, ManualClock, WallClock
from .connector import Connector
from .link import CallFailed, LinkDown
from .quirks import Quirks
from .v2 import Charger2

__all__ = [
    "REBOOT_SECONDS",
    "CallFailed",
    "Car",
    "Charger",
    "Charger2",
    "Clock",
    "Connector",
    "LinkDown",
    "ManualClock",
    "Quirks",
    "WallClock",
]
