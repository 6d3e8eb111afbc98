"""A provider that answers at once: chat completions and messages, whole or streamed, over HTTP or TLS.

python -m bench.mock PORT [TLS_PORT CERTIFICATE KEY]
"""

import asyncio
import contextlib
import re
import ssl
import sys
import time
from collections.abc import Callable

import httptools
import uvloop

from bench import machine, payload

_OPENAI = payload.openai_answer()
_ANTHROPIC = payload.anthropic_answer()
_MODELS = payload.models()
_STREAM = re.compile(rb'"stream": ?true')
_PLAIN = {
    name: payload.answer_head(len(body)) + body
    for name, body in (("openai", _OPENAI), ("anthropic", _ANTHROPIC), ("models", _MODELS))
}


class Provider(asyncio.Protocol):
    """One connection of a gateway."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []
        self._streaming: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up a stream."""
        del exc
        if self._streaming is not None:
            self._streaming.cancel()

    def on_url(self, url: bytes) -> None:
        """The path tells the dialect."""
        self._path = url

    def on_body(self, body: bytes) -> None:
        """Keep the request; it tells whether to stream."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        body, self._body = b"".join(self._body), []
        path = self._path.partition(b"?")[0]
        kind = "anthropic" if path.endswith(b"/messages") else "models" if path.endswith(b"/models") else "openai"
        if kind != "models" and _STREAM.search(body):
            idle = payload.IDLE.encode() in body
            self._streaming = asyncio.get_running_loop().create_task(self._stream(kind, idle=idle))
        else:
            self._transport.write(_PLAIN[kind])

    async def _stream(self, kind: str, *, idle: bool) -> None:
        write, loop = self._transport.write, asyncio.get_running_loop()
        chunk: Callable[[str], bytes]
        if kind == "anthropic":
            start, chunk, end = payload.anthropic_start(), payload.anthropic_chunk, payload.anthropic_end()
        else:
            start, chunk, end = b"", payload.openai_chunk, payload.openai_end()
        write(payload.STREAM_HEAD + (payload.framed(start) if start else b""))
        began = loop.time()
        with contextlib.suppress(asyncio.CancelledError):
            for number in range(payload.CHUNKS):
                if number:
                    await asyncio.sleep(began + number * payload.PACE - loop.time())
                write(payload.framed(chunk(f"t{time.monotonic_ns()}t")))
                if idle:
                    await loop.create_future()
            write(payload.framed(end) + payload.framed(b""))


async def serve(port: int, tls_port: int = 0, certificate: str = "", key: str = "") -> None:
    """Answer on a loopback port, and over TLS on another one, until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Provider, "127.0.0.1", port, backlog=4096)
    async with contextlib.AsyncExitStack() as stack:
        if tls_port:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            await stack.enter_async_context(
                await loop.create_server(Provider, "127.0.0.1", tls_port, ssl=context, backlog=4096)
            )
        await server.serve_forever()


def main(arguments: list[str]) -> None:
    """Run by itself."""
    port, tls_port, certificate, key = [*arguments, "0", "", ""][:4]
    machine.allow_files(65536)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(int(port), int(tls_port), certificate, key))


if __name__ == "__main__":
    main(sys.argv[1:])
