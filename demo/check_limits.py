"""What must hold of limits at chargers that do not do as they are told."""

from . import DOMAIN, DemoError
from .api import Json
from .stage import VISITORS, Stage

_PATIENCE = 30.0


class VisitorChecks:
    """The checks of the odd chargers; each raises DemoError where something does not hold."""

    def __init__(self, scene: Stage) -> None:
        """Check a scene where nobody has come to them yet."""
        self._scene = scene
        self._api = scene.api
        self._guest = scene.guest.kind
        self._courtyard = scene.courtyard.kind

    async def ceiling(self) -> None:
        """A ceiling is accepted."""
        await self._scene.plug_in(self._scene.guest)
        await self._scene.ceiling(self._scene.guest, VISITORS)

    async def held(self) -> None:
        """A ceiling holds although the charger forgets what it accepts as one."""
        current = await self._api.find(self._guest.key(1, "current"))
        await self._api.wait_for(
            current,
            lambda state: state.number is not None and state.number <= VISITORS,
            _PATIENCE,
        )
        car = await self._scene.guest.connector()
        if car["currentA"] != VISITORS:
            raise DemoError(f"The car draws {car['currentA']} A")
        if issues := await self._issues(self._guest.identity):
            raise DemoError(f"There is a repair: {issues}")

    async def refused(self) -> None:
        """A limit is refused, and whoever has set it is told by whom and how."""
        entity_id = await self._api.find(self._courtyard.key(1, "current_limit"))
        before = (await self._api.state(entity_id)).value
        try:
            await self._api.send(
                "call_service",
                domain="number",
                service="set_value",
                target={"entity_id": entity_id},
                service_data={"value": VISITORS},
            )
        except DemoError as error:
            if "Rejected" not in str(error):
                raise
        else:
            raise DemoError("Nobody was told")
        after = (await self._api.state(entity_id)).value
        if after != before:
            raise DemoError(f"It shows {after} A, as if that had been accepted")

    async def kept(self) -> None:
        """What is wished for while it is away is kept for it."""
        await self._scene.courtyard.kill()
        await self._scene.ceiling(self._scene.courtyard, VISITORS)
        await self._scene.courtyard.start()

    async def repair(self) -> None:
        """A repair tells what it says to each way to limit it."""

        async def issues() -> list[Json]:
            return await self._issues(self._courtyard.identity)

        [issue] = await self._api.poll(issues, bool, _PATIENCE, "A repair")
        told = issue["translation_placeholders"]
        if "Rejected" not in told["ways"] or not told["advice"]:
            raise DemoError(f"The repair says only {told}")

    async def _issues(self, identity: str) -> list[Json]:
        prefix = f"limit_not_obeyed_{identity.casefold()}"
        listed = await self._api.send("repairs/list_issues")
        return [
            issue
            for issue in listed["issues"]
            if issue["domain"] == DOMAIN and issue["issue_id"].startswith(prefix)
        ]
