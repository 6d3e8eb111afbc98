"""uvicorn's server in a worker process, with an end that clients do not notice.

A client that keeps a connection cannot know that the server will close it, and a request that crosses the close on its
way is lost. So kept connections are not closed at once; see `Protocol.wind_down`.
"""

import asyncio
import math
import signal
import socket
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

from gatewright.server.asgi import Server
from gatewright.server.protocol import Protocol

QUIET = 2.0
"""Seconds without a request after which a kept connection is closed when the server stops."""

PACE = 0.05
"""Seconds between two looks at the connections of a server that stops."""

BEAT = 10
"""Ticks of uvicorn, a tenth of a second each, between two signs of life."""


class GracefulServer(uvicorn.Server):
    """Serves until it is told to stop or to retire; then completes what is under way.

    Args:
        config: with `lifespan` off: `app` is started and stopped here, so that what keeps it from starting is raised.
        app: what is served.
        drain: seconds for which requests under way are waited for when it stops, at most.
        lasting: the same when it retires.
        ready: called once it serves.
        beat: called every second while it serves.
        lifeline: file descriptor that becomes readable when there is nobody to serve for any more; None for never.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        app: Server,
        *,
        drain: float,
        lasting: float,
        ready: Callable[[], None],
        beat: Callable[[], None],
        lifeline: int | None,
    ) -> None:
        super().__init__(config)
        self._app = app
        self._drain = drain
        self._lasting = lasting
        self._ready = ready
        self._beat = beat
        self._lifeline = lifeline
        self._end = math.inf  # when nothing is waited for any more, by the monotonic clock

    def retire(self) -> None:
        """Stop, for another process serves in this one's place: readiness does not fail, so nobody goes elsewhere."""
        self.should_exit = True
        self._end = min(self._end, time.monotonic() + self._lasting)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, also when it has retired before."""
        super().handle_exit(sig, frame)
        self._app.stopping = True
        self._end = min(self._end, time.monotonic() + self._drain)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app, then serve.

        Raises:
            GatewrightError: what the app cannot be started for.
        """
        await self._app.start()
        await super().startup(sockets)
        if self._lifeline is not None:
            asyncio.get_running_loop().add_reader(self._lifeline, self._on_abandoned, self._lifeline)
        self._ready()

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; whether to stop."""
        if counter % BEAT == 0:
            self._beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse connections, complete what is under way, stop the app."""
        for one in (*self.servers, *(sockets or ())):
            one.close()
        while self.server_state.connections and not self.force_exit and time.monotonic() < self._end:
            for connection in list(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.wind_down(QUIET)
            await asyncio.sleep(PACE)
        left = self._end - time.monotonic()
        self.config.timeout_graceful_shutdown = math.ceil(min(max(0.0, left), self._drain))
        await super().shutdown(sockets)
        if not self.force_exit:
            await self._app.stop()

    def _on_abandoned(self, lifeline: int) -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        self.handle_exit(signal.SIGTERM, None)
