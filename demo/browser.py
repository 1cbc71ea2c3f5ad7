"""Chromium without a window, told what to do over the Chrome DevTools protocol."""

import asyncio
import base64
from itertools import count
import json
from pathlib import Path
import re
from typing import Any, Self

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from . import DemoError
from .api import Api
from .processes import Process

#: How long a page may take until it shows what it should, in seconds.
_PATIENCE = 30.0

_SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--lang=en",
    "--remote-debugging-port=0",
)

# Home Assistant's pages are shadow roots within shadow roots; these look through all.
_LIBRARY = """
window.demo = {
  *all(root = document) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* this.all(element.shadowRoot);
    }
  },
  seen(element) {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0
      && element.checkVisibility({opacityProperty: true, visibilityProperty: true});
  },
  find(selector, text = "") {
    for (const element of this.all())
      if (element.matches(selector) && this.seen(element)
          && this.text(element).includes(text)) return element;
    return null;
  },
  text(root) {
    let text = "";
    const visit = (node) => {
      if (node.nodeType === Node.TEXT_NODE) text += node.data + " ";
      else if (node.localName === "slot" && node.assignedNodes().length)
        node.assignedNodes().forEach(visit);
      else if (node.localName !== "style" && node.localName !== "script")
        (node.shadowRoot ?? node).childNodes.forEach(visit);
    };
    visit(root.shadowRoot ?? root);
    return text.replace(/\\s+/g, " ");
  },
  busy() {
    for (const element of this.all())
      if (/^(ha-spinner|ha-circular-progress|hass-loading-screen|wa-spinner)$/
          .test(element.localName) && this.seen(element)
          || element.localName === "img" && this.seen(element) && !element.complete)
        return true;
    return document.getAnimations().some((animation) =>
      animation.playState === "running"
      && animation.effect.getComputedTiming().endTime < 10000);
  },
  // A page at rest looks the same for some frames in a row.
  async until(condition) {
    let calm = 0, before = "";
    while (calm < 15) {
      await new Promise(requestAnimationFrame);
      const now = condition() && !this.busy() ? this.text(document.body) : "";
      calm = now && now === before ? calm + 1 : 0;
      before = now;
    }
    await document.fonts.ready;
  },
};
"""


class Browser:
    """One page of a browser."""

    def __init__(self, http: ClientSession, process: Process) -> None:
        """Take over a browser that was just started."""
        self._http = http
        self._process = process
        self._socket: ClientWebSocketResponse | None = None
        self._session = ""
        self._ids = count(1)
        self._results: dict[int, asyncio.Future[Any]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._drain: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, program: str, folder: Path, http: ClientSession) -> Self:
        """Start a browser that leaves everything it writes in a folder."""
        folder.mkdir()
        process = await Process.start(
            [
                program,
                *_SWITCHES,
                f"--user-data-dir={folder / 'profile'}",
                "about:blank",
            ],
            folder=folder,
            environment={"HOME": str(folder), "TMPDIR": str(folder)},
        )
        browser = cls(http, process)
        try:
            async with asyncio.timeout(_PATIENCE):
                await browser._attach()
        except BaseException:
            await browser.stop()
            raise
        return browser

    async def _attach(self) -> None:
        said = []
        while line := await self._process.output.readline():
            said.append(line.decode(errors="replace"))
            if match := re.search(r"listening on (ws://\S+)", said[-1]):
                break
        else:
            raise DemoError(f"Chromium did not start: {''.join(said)}")
        # A full pipe would hold it up.
        self._drain = asyncio.create_task(self._discard())
        self._socket = await self._http.ws_connect(match[1], max_msg_size=0)
        self._reader = asyncio.create_task(self._read(self._socket))
        target = await self._send("Target.createTarget", url="about:blank")
        attached = await self._send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        await self._send("Page.enable")
        await self._send("Page.addScriptToEvaluateOnNewDocument", source=_LIBRARY)

    async def _discard(self) -> None:
        while await self._process.output.read(2**16):
            pass

    async def stop(self) -> None:
        """Close the browser."""
        if self._socket is not None:
            await self._socket.close()
        await self._process.stop()
        for task in (self._reader, self._drain):
            if task is not None:
                await task

    async def _send(self, method: str, **parameters: Any) -> Any:
        assert self._socket is not None
        number = next(self._ids)
        future = asyncio.get_running_loop().create_future()
        self._results[number] = future
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        async with asyncio.timeout(_PATIENCE):
            return await future

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            answer = message.json()
            if future := self._results.pop(answer.get("id", 0), None):
                if "error" in answer:
                    future.set_exception(DemoError(str(answer["error"])))
                else:
                    future.set_result(answer["result"])
        for future in self._results.values():
            if not future.done():
                future.set_exception(DemoError("Chromium has gone"))
        self._results.clear()

    # What a user does

    async def log_in(self, api: Api, width: int, height: int) -> None:
        """Open Home Assistant as a user, in a window of a size."""
        tokens = {
            **api.tokens,
            "hassUrl": api.url,
            "clientId": api.client_id,
            "expires": 2**52,
        }
        await self.resize(width, height)
        # Charts grow, which nothing on the page tells.
        await self._send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-reduced-motion", "value": "reduce"}],
        )
        # The tokens have to be there before the first script of the page.
        await self._send(
            "Page.addScriptToEvaluateOnNewDocument",
            source=f"localStorage.hassTokens = {json.dumps(json.dumps(tokens))};"
            # A narrow one.
            "localStorage.dockedSidebar = JSON.stringify('auto');",
        )
        await self._send("Page.navigate", url=f"{api.url}/profile")
        await self.wait_for("Demo")

    async def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        await self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    async def open(self, path: str) -> None:
        """Go to another page, without loading everything anew."""
        await self.run(
            f"history.pushState(null, '', {json.dumps(path)});"
            "dispatchEvent(new CustomEvent('location-changed', {detail: {replace: false}}));"
        )

    async def wait_for(self, *texts: str) -> None:
        """Wait until all of these can be read, and the page has come to rest."""
        condition = f"{json.dumps(texts)}.every((text) => demo.text(document.body).includes(text))"
        try:
            await self.run(f"demo.until(() => {condition})")
        except TimeoutError:
            shown = await self.run("demo.text(document.body)")
            raise TimeoutError(f"The page does not show {texts}: {shown}") from None

    async def click(self, selector: str, text: str = "") -> None:
        """Click on what matches a selector and contains a text."""
        wanted = f"{json.dumps(selector)}, {json.dumps(text)}"
        await self.run(f"demo.until(() => demo.find({wanted}))")
        await self.run(f"demo.find({wanted}).click()")

    async def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            await self._send("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    async def run(self, script: str) -> Any:
        """Run JavaScript in the page and return what it returns."""
        answer = await self._send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        if details := answer.get("exceptionDetails"):
            raise DemoError(f"{script}: {details}")
        return answer["result"].get("value")

    async def picture(self) -> bytes:
        """Take a picture of what can be seen, as PNG."""
        answer = await self._send("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])
