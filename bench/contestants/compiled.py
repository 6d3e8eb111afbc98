"""AI gateways in Rust and Go, from PyPI."""

from pathlib import Path

from bench import machine
from bench.contestants.base import PEERS, SELDOM, Contestant, Launch, Place, environment

KEY = "fgw_0123456789abcdef0123456789abcdef"


class FromPyPI(Contestant):
    """What `make bench-peers` installs into a virtual environment of its own.

    Attributes:
        command: the program's name in it.
        package: the distribution's name.
    """

    every = SELDOM
    command: str
    package: str

    def program(self) -> Path | None:
        """In its environment."""
        path = PEERS / self.package / "bin" / self.command
        return path if path.exists() else None

    def size(self) -> int:
        """Its environment's packages and programs."""
        return machine.folder_bytes(PEERS / self.package)

    def version(self) -> str:
        """Its distribution's."""
        pattern = f"lib/python*/site-packages/{self.package.replace('-', '_')}-*.dist-info"
        found = next((PEERS / self.package).glob(pattern), None)
        return found.name.removesuffix(".dist-info").rpartition("-")[2] if found else ""


class Smg(FromPyPI):
    """Shepherd Model Gateway: Rust. It passes requests to servers that speak OpenAI's API, and translates nothing."""

    name, title, command, package = "smg", "smg (Rust AI gateway)", "smg", "smg"

    def launch(self, place: Place) -> Launch:
        """An OpenAI backend and a key; its metrics are always on."""
        options = [
            "--host",
            "127.0.0.1",
            "--port",
            str(place.port),
            "--worker-urls",
            place.origin,
            "--backend",
            "openai",
        ]
        options += ["--api-key", KEY, "--prometheus-port", str(place.spare_port), "--log-level", "warn"]
        options += ["--max-concurrent-requests", str(place.streams)]
        return Launch(
            command=[str(self.program()), "launch", *options],
            environment=environment(),
            port=place.port,
            headers={"authorization": f"Bearer {KEY}"},
        )


class Ferrogw(FromPyPI):
    """Ferro Labs AI Gateway: Go."""

    name, title, command, package = "ferrogw", "ferrogw (Go AI gateway)", "ferrogw", "ferrogw"
    features = frozenset({"chat", "stream", "translated"})

    def launch(self, place: Place) -> Launch:
        """Two providers by environment variables; the model's name picks one."""
        config = place.folder / "ferrogw.yaml"
        config.write_text(
            "strategy:\n  mode: fallback\ntargets:\n  - virtual_key: openai\n  - virtual_key: anthropic\n"
        )
        return Launch(
            command=[str(self.program()), "serve"],
            environment=environment(
                HOST="127.0.0.1",
                PORT=str(place.port),
                GATEWAY_CONFIG=str(config),
                MASTER_KEY=KEY,
                LOG_LEVEL="warn",
                RATE_LIMIT_RPS="1000000",
                RATE_LIMIT_BURST="1000000",
                OPENAI_API_KEY="sk-bench",
                OPENAI_BASE_URL=place.origin,
                ANTHROPIC_API_KEY="sk-bench",
                ANTHROPIC_BASE_URL=place.origin,
            ),
            port=place.port,
            headers={"authorization": f"Bearer {KEY}"},
        )
