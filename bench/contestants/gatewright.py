"""Gatewright itself, with keys on, set up through its own command line."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

from bench import machine, payload
from bench.contestants.base import EVERYTHING, Contestant, Launch, Place, environment

ROOT = Path(__file__).parent.parent.parent

USUAL = 2000
"""Requests and connections that a process allows unless it is told otherwise."""


class Gatewright(Contestant):
    """`gatewright serve`.

    Args:
        name: short.
        title: for people.
        every: in every how many rounds it is measured.
        variables: settings of this variant, as environment variables.
    """

    features = EVERYTHING | {"workers", "endpoints"}
    install = "make bench"

    def __init__(self, name: str, title: str, *, every: int = 1, **variables: str) -> None:
        self.name, self.title, self.every = name, title, every
        self._variables = variables

    def program(self) -> Path | None:
        """The interpreter that runs the benchmark."""
        return Path(sys.executable)

    def launch(self, place: Place) -> Launch:
        """A database with the endpoints and a key that may only call them."""
        settings = environment(
            BENCH_PROVIDER_KEY="sk-bench",
            GATEWRIGHT_DATA_DIR=str(place.folder / "data"),
            GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS="1",
            GATEWRIGHT_UPSTREAM_CONNECTIONS=str(max(place.streams, USUAL)),
            GATEWRIGHT_MAX_CONCURRENCY=str(max(place.streams, USUAL)),
            GATEWRIGHT_PORT=str(place.port),
            GATEWRIGHT_WORKERS=str(place.workers),
            GATEWRIGHT_ADMIN_KEY="bench-admin-key-of-this-run",
            **({"GATEWRIGHT_CA_FILE": str(place.ca)} if place.tls else {}),
            **self._variables,
        )
        manifest = place.folder / "endpoints.json"  # JSON is YAML
        manifest.write_text(json.dumps(_manifest(place)))
        _command(settings, "apply", "-f", str(manifest))
        key = _command(settings, "keys", "create", "bench").strip()
        return Launch(
            command=[sys.executable, "-m", "gatewright", "serve"],
            environment=settings,
            port=place.port,
            headers={"authorization": f"Bearer {key}"},
        )

    def size(self) -> int:
        """Its own files and those of all it needs at run time, as they are installed here."""
        names = re.findall(r"^([a-z0-9][a-z0-9._-]*)==", (ROOT / "requirements/core.lock").read_text(), re.MULTILINE)
        total = machine.folder_bytes(ROOT / "src" / "gatewright")
        for name in names:
            try:
                files = importlib.metadata.distribution(name).files or []
            except importlib.metadata.PackageNotFoundError:
                continue  # not needed on this platform
            paths = [Path(str(one.locate())) for one in files]
            total += sum(path.stat().st_size for path in paths if path.is_file() and path.suffix != ".pyc")
        return total

    def version(self) -> str:
        """Its own."""
        return importlib.metadata.version("gatewright")


def _manifest(place: Place) -> dict[str, object]:
    """One OpenAI and one Anthropic target; further endpoints lead to the first."""

    def secret(provider: str) -> dict[str, object]:
        value = {"env": "BENCH_PROVIDER_KEY"}
        return {
            "provider": provider,
            "secret_value": {"api_key": value},
            "auth_config": {"api_base": f"{place.origin}/v1"},
        }

    endpoints: dict[str, object] = {payload.MODEL: {"models": ["openai"]}, payload.CLAUDE: {"models": ["anthropic"]}}
    endpoints |= {f"e{number}": {"models": ["openai"]} for number in range(place.endpoints - len(endpoints))}
    return {
        "secrets": {"openai": secret("openai"), "anthropic": secret("anthropic")},
        "model_definitions": {
            "openai": {"secret": "openai", "model_name": payload.MODEL},
            "anthropic": {"secret": "anthropic", "model_name": payload.CLAUDE},
        },
        "endpoints": endpoints,
    }


def _command(settings: dict[str, str], *arguments: str) -> str:
    run = subprocess.run(
        [sys.executable, "-m", "gatewright", *arguments], env=settings, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise RuntimeError(f"gatewright {arguments[0]}: {run.stderr}")
    return run.stdout
