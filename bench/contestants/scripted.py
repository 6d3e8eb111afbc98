"""AI gateways in Python and JavaScript, from PyPI and npm."""

import json
import shutil
from pathlib import Path
from typing import Any

from bench import machine, payload
from bench.contestants.base import PEERS, SELDOM, Contestant, Launch, Place, environment
from bench.contestants.compiled import FromPyPI
from bench.process import Ask, serving

TRANSLATING = frozenset({"chat", "stream", "translated"})
KEY = "sk-bench-key-of-this-run"


class LiteLLM(FromPyPI):
    """LiteLLM's proxy, one worker, with a master key and no database."""

    name, title, command, package = "litellm", "LiteLLM proxy (Python)", "litellm", "litellm"
    features = TRANSLATING

    def launch(self, place: Place) -> Launch:
        """Two models in its configuration file."""
        config = place.folder / "litellm.json"
        rows = [
            _litellm_model(payload.MODEL, "openai", f"{place.origin}/v1"),
            _litellm_model(payload.CLAUDE, "anthropic", place.origin),
        ]
        config.write_text(json.dumps({"model_list": rows, "general_settings": {"master_key": KEY}}))
        return Launch(
            command=[str(self.program()), "--config", str(config), "--host", "127.0.0.1", "--port", str(place.port)],
            # Its table of prices would be fetched at the start.
            environment=environment(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="ERROR"),
            port=place.port,
            headers={"authorization": f"Bearer {KEY}"},
        )


class MLflow(FromPyPI):
    """MLflow's gateway in its tracking server: one worker, usage tracking off, no keys (they need user accounts)."""

    name, title, command, package = "mlflow", "MLflow gateway (Python)", "mlflow", "mlflow"
    features = TRANSLATING

    def launch(self, place: Place) -> Launch:
        """Run it once to make two endpoints."""
        database = f"sqlite:///{place.folder / 'mlflow.db'}"
        address = ["--host", "127.0.0.1", "--port", str(place.port), "--workers", "1"]
        command = [str(self.program()), "server", "--backend-store-uri", database, *address]
        settings = environment(
            MLFLOW_GATEWAY_API_BASE_ALLOW_PRIVATE_IPS="true",
            MLFLOW_GATEWAY_API_BASE_ALLOWED_SCHEMES="http,https",
            MLFLOW_CRYPTO_KEK_PASSPHRASE="bench-passphrase-of-this-run",
            MLFLOW_DISABLE_TELEMETRY="true",
            DO_NOT_TRACK="true",
        )
        ready = Ask(port=place.port, path="/health")
        cores, _ = machine.cores()
        with serving(command, ready, cores=cores, log=place.folder / "setup.log", environment=settings):
            _mlflow_endpoint(place.port, payload.MODEL, "openai", f"{place.origin}/v1")
            _mlflow_endpoint(place.port, payload.CLAUDE, "anthropic", f"{place.origin}/v1")
        return Launch(
            command=command, environment=settings, port=place.port, path="/gateway/mlflow/v1/chat/completions"
        )


class Portkey(Contestant):
    """Portkey's open gateway on Node; it keeps no keys, the client sends the provider's."""

    name, title = "portkey", "Portkey gateway (Node)"
    features, every = TRANSLATING, SELDOM
    _folder = PEERS / "portkey" / "node_modules"

    def program(self) -> Path | None:
        """The bundle that its package holds; Node runs it."""
        path = self._folder / "@portkey-ai/gateway/build/start-server.js"
        return path if path.exists() and shutil.which("node") else None

    def launch(self, place: Place) -> Launch:
        """Where to send a request is told by its headers."""
        where = {"authorization": f"Bearer {KEY}", "x-portkey-custom-host": f"{place.origin}/v1"}
        return Launch(
            command=["node", str(self.program()), f"--port={place.port}", "--headless"],
            environment=environment(NODE_ENV="production", TRUSTED_CUSTOM_HOSTS="127.0.0.1"),
            port=place.port,
            headers={**where, "x-portkey-provider": "openai"},
            translated={**where, "x-portkey-provider": "anthropic"},
        )

    def size(self) -> int:
        """Its packages, without Node."""
        return machine.folder_bytes(self._folder)

    def version(self) -> str:
        """Its package's."""
        path = self._folder / "@portkey-ai/gateway/package.json"
        return str(json.loads(path.read_text())["version"]) if path.exists() else ""


def _litellm_model(name: str, provider: str, base: str) -> dict[str, Any]:
    parameters = {"model": f"{provider}/{name}", "api_base": base, "api_key": "sk-bench"}
    return {"model_name": name, "litellm_params": parameters}


def _mlflow_endpoint(port: int, model: str, provider: str, base: str) -> None:
    """A secret, a model definition and an endpoint by its management API."""

    def manage(call: str, **fields: Any) -> Any:
        path = f"/api/3.0/mlflow/gateway/{call}/create"
        body = json.dumps(fields).encode()
        status, text = Ask(port=port, path=path, headers={"content-type": "application/json"}, body=body).answer()
        if status != 200:
            raise RuntimeError(f"MLflow answered {status} to {call}: {text.decode(errors='replace')[:500]}")
        return json.loads(text)

    secret = manage(
        "secrets",
        secret_name=provider,
        secret_value={"api_key": "sk-bench"},
        provider=provider,
        auth_config={"api_base": base},
    )["secret"]["secret_id"]
    definition = manage("model-definitions", name=provider, secret_id=secret, provider=provider, model_name=model)[
        "model_definition"
    ]["model_definition_id"]
    config = {"model_definition_id": definition, "linkage_type": "PRIMARY", "weight": 1.0}
    manage("endpoints", name=model, model_configs=[config], usage_tracking=False)
