"""What a contestant is: how it is found, described to its upstream, and started."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import payload

PEERS = Path(__file__).parent.parent / ".peers"
"""Where `make bench-peers` installs what is not a Debian package: a folder for each."""

SELDOM = 6
"""`every` of contestants that take minutes, and stand far from the limits that many rounds are for."""

EVERYTHING = frozenset({"chat", "stream", "tls", "translated"})
"""What workloads may need of a contestant; `workers` and `endpoints` are Gatewright's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and over what a contestant is started.

    Attributes:
        folder: an empty one of its own; it is the working directory.
        port: to listen on, on 127.0.0.1.
        spare_port: for metrics, where a contestant wants a port for them.
        origin: the provider's address, such as `http://127.0.0.1:8000`; what it speaks depends on the path.
        ca: PEM file that vouches for the provider, for `https`.
        workers: worker processes.
        endpoints: how many endpoints are set up.
        streams: connections to the provider that may be open at once.
    """

    folder: Path
    port: int
    spare_port: int
    origin: str
    ca: Path
    workers: int = 1
    endpoints: int = 10
    streams: int = 1000

    @property
    def upstream_port(self) -> int:
        """The port of `origin`."""
        return int(self.origin.rpartition(":")[2])

    @property
    def tls(self) -> bool:
        """Whether the provider speaks TLS."""
        return self.origin.startswith("https:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a contestant is started and asked.

    Attributes:
        command: its arguments; empty when there is nothing to start.
        environment: variables beside those every process gets.
        port: where it is asked.
        path: of chat completions.
        headers: of each request, the credential among them.
        translated: headers that ask for the Anthropic target instead, where the model's name does not.
        models: the `model` of requests for the OpenAI and for the Anthropic target.
    """

    command: list[str]
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/v1/chat/completions"
    headers: Mapping[str, str] = field(default_factory=dict)
    translated: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, str] = (payload.MODEL, payload.CLAUDE)


class Contestant(ABC):
    """One row of the tables.

    Attributes:
        name: short, for the command line and the raw data.
        title: for people, with what it is.
        features: what it can be measured at.
        install: how to get it.
        every: in every how many rounds it is measured.
    """

    name: str
    title: str
    features: frozenset[str] = frozenset({"chat", "stream"})
    install: str = "make bench-peers"
    every: int = 1

    @abstractmethod
    def program(self) -> Path | None:
        """What is run; None when it is not installed."""

    @abstractmethod
    def launch(self, place: Place) -> Launch:
        """Write its configuration to `place.folder`, and say how it is started."""

    @abstractmethod
    def size(self) -> int:
        """Bytes that installing it takes, its interpreter not counted."""

    def version(self) -> str:
        """As its package says it."""
        return ""


def environment(**more: str) -> dict[str, str]:
    """What every process gets: a path, a home, a language, and nothing that configures a gateway."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {"PATH": os.defpath, **kept, "NO_PROXY": "127.0.0.1", **more}
