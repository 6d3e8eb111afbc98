"""`gatewright demo`: the gateway with a model behind it, two answers through it, and the lines to repeat them."""

import json
import logging
import secrets
import signal
import sys
from contextlib import ExitStack
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from gatewright.cli import demo_client, demo_fake, demo_model, demo_setup
from gatewright.cli.demo_process import Child, free_port
from gatewright.errors import UnavailableError
from gatewright.settings import Settings
from gatewright.supervisor.serve import run_alone

_START_SECONDS = 60
_PLAIN, _STREAMED = "Say hello to the world.", "Name three primary colours."


@click.command()
@click.option("--once", is_flag=True, help="End after the two answers, instead of serving until Ctrl-C.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4040,
    show_default=True,
    help="Where to listen; 0 takes a free port.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".gatewright/demo"),
    show_default=True,
    help="Where the demo keeps its database and logs.",
)
@click.option("--fake", is_flag=True, help="Use the built-in fake provider, even where a real model can run.")
def demo(once: bool, port: int, data_dir: Path, fake: bool) -> None:
    """Try Gatewright: start it with a real local model behind it and send two requests."""
    signal.signal(signal.SIGTERM, _stop)
    free = free_port(port)
    if port not in (0, free):
        click.echo(f"Port {port} is taken; the demo uses {free} (or name one with --port).")
    settings = Settings(port=free, data_dir=data_dir.absolute(), allow_private_upstreams=True)
    with ExitStack() as running:
        running.enter_context(demo_setup.claim(settings.data_dir))
        try:
            _run(running, settings, shown=data_dir, once=once, fake=fake)
        finally:
            # From here on all is being ended: a second Ctrl-C must not leave a process behind.
            for one in (signal.SIGINT, signal.SIGTERM):
                signal.signal(one, signal.SIG_IGN)


def _run(running: ExitStack, settings: Settings, *, shown: Path, once: bool, fake: bool) -> None:
    # What the setting up logs is of no use at the terminal.
    logging.basicConfig(filename=settings.data_dir / "demo.log")
    model_key = secrets.token_urlsafe(32)
    name, model = _provider(running, settings.data_dir, model_key, fake=fake)
    key = demo_setup.prepare(settings, model=name, api_base=f"{model.url}/v1", model_key=model_key)
    log = settings.data_dir / "gateway.log"
    gateway = _started(running, Child("gateway", log, settings.port, _serve, settings))
    click.echo(f"\n  model    {name} on {model.url}")
    click.echo(f"  gateway  {gateway.url}, its log and data in {shown}")
    _converse(settings.port, key)
    body = json.dumps(_asking(_PLAIN))
    click.echo(_REPEAT.format(url=gateway.url, key=key, body=body, question=_PLAIN))
    if not once:
        click.echo(_SERVING.format(url=gateway.url, manifest=shown / demo_setup.MANIFEST))
        _serve_until_stopped(gateway, model)


_REPEAT = """
Again with curl (add "stream": true and -N for a stream):

  curl {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -d '{body}'

Again with the OpenAI SDK (pip install openai):

  from openai import OpenAI

  client = OpenAI(base_url="{url}/v1", api_key="{key}")
  answer = client.chat.completions.create(model="demo", messages=[{{"role": "user", "content": "{question}"}}])
  print(answer.choices[0].message.content)
"""

_SERVING = """\
The key is an admin key: it also opens the management API, {url}/docs. What was set up is in
{manifest}. Serving until Ctrl-C."""


def _provider(running: ExitStack, data_dir: Path, key: str, *, fake: bool) -> tuple[str, Child]:
    """The model's name and its process: the real one where it starts, else the fake."""
    found = "--fake was given" if fake else demo_model.find()
    if isinstance(found, Path):
        try:
            child = Child("model server", data_dir / "model.log", free_port(), demo_model.serve, found, key)
            return demo_model.NAME, _started(running, child)
        except UnavailableError as problem:
            found = problem.public.rstrip(".")
    click.echo(f"No real model: {found}. The built-in fake provider answers instead.")
    child = Child("fake provider", data_dir / "model.log", free_port(), demo_fake.serve, key)
    return demo_fake.NAME, _started(running, child)


def _started(running: ExitStack, child: Child) -> Child:
    running.callback(child.stop)
    child.ready(_START_SECONDS)
    return child


def _serve(_port: int, settings: Settings) -> None:
    run_alone(settings)


def _asking(question: str) -> dict[str, Any]:
    return {"model": demo_setup.ENDPOINT, "messages": [{"role": "user", "content": question}]}


def _converse(port: int, key: str) -> None:
    steady = {"temperature": 0, "max_tokens": 120}
    click.echo(f"\nYou:    {_PLAIN}")
    click.echo(f"Model:  {_some(demo_client.ask(port, key, _asking(_PLAIN) | steady))}")
    click.echo(f"\nYou:    {_STREAMED} (streamed)\nModel:  ", nl=False)
    pieces = []
    for piece in demo_client.ask_streamed(port, key, _asking(_STREAMED) | steady):
        click.echo(piece, nl=False)
        pieces.append(piece)
    click.echo()
    _some("".join(pieces))


def _some(answer: str) -> str:
    if not answer.strip():
        raise UnavailableError("The model answered with no text.")
    return answer


def _serve_until_stopped(*children: Child) -> None:
    try:
        ended = wait([child.sentinel for child in children])
    except KeyboardInterrupt:
        click.echo("\nStopping.")
        return
    for child in children:
        if child.sentinel in ended:
            raise UnavailableError(f"The {child.name} ended{child.last_words()}.")


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)
