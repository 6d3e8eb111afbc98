"""A scripted upstream for many requests at once: what each asks for tells what is played to it.

`fixtures/scripted.py` has a thread for each connection and plays by their order; here one event loop serves all of
them.
"""

import asyncio
import contextlib
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable

from faults.scripts import Steps
from fixtures.scripted import RESET, Step

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")
_LINGER = struct.pack("ii", 1, 0)


class Upstream:
    """Plays `script(path, body)` to each request.

    Args:
        script: the steps for a request; at one that is neither bytes nor a pause the connection ends.

    Attributes:
        asked: how often each path was asked for.
        port: where it listens, on loopback.
    """

    def __init__(self, script: Callable[[str, bytes], Steps]) -> None:
        self._script = script
        self._playing: set[asyncio.Task[None]] = set()
        self.asked: Counter[str] = Counter()
        self.port = 0

    async def start(self) -> None:
        """Listen: on a free port, or again on the one it had."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        self._server.close()
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._playing.add(task)
        try:
            # Only `stop` cancels; asyncio would log it.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._converse(reader, writer)
        finally:
            self._playing.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            path = head.split(b" ", 2)[1].decode()
            self.asked[path] += 1
            for step in self._script(path, body):
                if writer.is_closing():
                    return
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                elif isinstance(step, Step):
                    if step is RESET:
                        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
                    return
                else:
                    await asyncio.sleep(step)
