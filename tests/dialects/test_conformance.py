"""Every recorded exchange through every check of `docs/conformance.md`, and the page itself."""

import copy
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fixtures.conformance.cases import DIALECTS, is_conversation, operation, outcomes
from fixtures.conformance.limits import LIMITS
from fixtures.conformance.page import CHECKS, page, recordings, results
from fixtures.conformance.sdk import accept_request
from fixtures.conformance.traffic import surfaces
from fixtures.conformance.translation import broke_off
from fixtures.needed import missing
from fixtures.recorded import FOLDER, Exchange, everything
from gatewright.dialects.conversation import Dropped, Request
from gatewright.gateway.conversations import CONVERSATIONS, WIRES

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"


@pytest.fixture
def recorded():
    """The recordings are there."""
    if not everything():
        missing(f"the recorded exchanges are not in {FOLDER}; GATEWRIGHT_RECORDED names their folder")


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("check", CHECKS)
def test_recorded_traffic_passes(check):
    """Each case, but for what the list of limits names."""
    found = results(check)
    assert len(found) > 100
    assert [f"{one.exchange.name}, {one.case}: {one.problem}" for one in found if one.problem] == []


def _of_this_set():
    """Whether the page is of the recordings that are here: another set may be named on purpose."""
    same = recordings() in PAGE.read_text()
    if not same and "GATEWRIGHT_RECORDED" in os.environ:
        pytest.skip(f"docs/conformance.md is of another set of recordings than the one in {FOLDER}")


@pytest.mark.usefixtures("recorded")
def test_the_page_is_what_the_checks_give():
    """Running them again changes nothing."""
    _of_this_set()
    assert PAGE.read_text() == page(), "run `make conformance`"


@pytest.mark.usefixtures("recorded")
def test_every_limit_is_met():
    """The list holds nothing that no recording needs."""
    _of_this_set()
    used = {limit for check in CHECKS for one in results(check) for limit in one.limits}
    assert used == set(LIMITS)


@pytest.mark.usefixtures("recorded")
def test_every_recording_is_in_a_check():
    """None is left out in silence."""
    reached = {one.exchange.name for check in CHECKS for one in results(check)}
    assert reached == {one.name for one in everything()}


@pytest.mark.usefixtures("recorded")
def test_every_conversation_reaches_every_dialect():
    """An answer without an error has a case for each other dialect of the table: a new one enters by itself."""
    cases = Counter(one.exchange.name for one in results("translated"))
    for one in filter(is_conversation, everything()):
        if one.status < 400 and not broke_off(one):
            assert cases[one.name] == len(CONVERSATIONS) - 1


def test_every_surface_of_a_translated_dialect_is_asked():
    """The paths are those of the table of operations; each says errors in a shape that is known."""
    assert set(surfaces()) >= {"chat", "messages", "generate_content", "responses", "ollama_chat", "ollama_generate"}
    assert set(surfaces()) & set(WIRES) >= {"embeddings", "ollama_embed", "embed_content", "rerank"}


class Told(Dropped):
    """Keeps the values of what is named as dropped."""

    def __init__(self):
        super().__init__()
        self.values = {}

    def rest(self, node, *, same):
        before = set(self)
        kept = super().rest(node, same=same)
        self.values |= {name: node.rest[name] for name in self - before}
        return kept


CONSTANT = {"type", "role", "object", "index"}


def is_told(value):
    """Whether something is said in a value, besides what is the same in every answer."""
    if isinstance(value, dict):
        return any(is_told(one) for key, one in value.items() if key not in CONSTANT)
    return any(map(is_told, value)) if isinstance(value, list) else value not in (None, "", 0)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("client", CONVERSATIONS, ids=lambda one: one.operation)
def test_nothing_is_named_as_dropped_that_says_nothing(client):
    """Fields that every answer has, and empty ones, are no loss."""
    noise = set()
    for one in filter(is_conversation, everything()):
        if one.status >= 400 or one.stream or operation(one) == client.operation:
            continue
        dropped = Told()
        answer = DIALECTS[operation(one)].decode_answer(copy.deepcopy(one.answer))
        client.dialect.encode_answer(answer, Request(dialect=client.operation, model="m"), dropped)
        noise |= {name for name in dropped if name in CONSTANT}
        noise |= {name for name, value in dropped.values.items() if not is_told(value)}
    assert noise == set()


MADE_UP = Exchange(
    name="made-up",
    provider="openai",
    api="chat",
    stream=False,
    features=frozenset(),
    url="https://api.openai.com/v1/chat/completions",
    request={"model": "m", "messages": [{"role": "user", "content": "x"}]},
    status=200,
    headers={},
    answer={"choices": "none"},
    raw=b'{"choices": "none"}',
)


@pytest.mark.parametrize("check", ["own dialect", "translated"])
def test_an_answer_that_is_none_fails(check):
    """A check that could not fail would show nothing."""
    failed = [one.case for one in outcomes(CHECKS[check], [MADE_UP]) if one.problem]
    others = [f"to {one}" for one in DIALECTS if one != "chat"]
    assert failed == (["answer"] if check == "own dialect" else others)


def test_a_difference_that_no_limit_explains_fails():
    """The limits are those of the list."""
    (one,) = outcomes(lambda _: iter([("case", lambda: ["whatever"])]), [MADE_UP])
    assert "not in the list of limits" in one.problem


TURN = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("chat", {"model": "m", "messages": [TURN]}),
        ("messages", {"model": "m", "max_tokens": 1, "messages": [TURN]}),
        ("responses", {"model": "m", "input": [TURN]}),
        ("generate_content", {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
        ("cohere", {"model": "m", "messages": [TURN], "stream": False}),
        ("ollama_chat", {"model": "m", "messages": [TURN]}),
        ("converse", {"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
    ],
)
def test_the_sdks_types_are_held_to_every_field(dialect, body):
    """A request passes, and one with a field that the SDK does not know does not, on top or inside a list."""
    accept_request(dialect, body)
    with pytest.raises(ValueError, match="made_up"):
        accept_request(dialect, body | {"made_up": 1})
    turns = next(name for name, value in body.items() if isinstance(value, list))
    with pytest.raises(ValueError, match="made_up"):
        accept_request(dialect, body | {turns: [body[turns][0] | {"made_up": 1}]})


@pytest.mark.usefixtures("recorded")
def test_make_fuzz_runs():
    """The long form is for people; a few seeds of it show that it still runs."""
    root = PAGE.parents[1]
    where = os.environ | {"PYTHONPATH": str(root / "tests")}
    command = [sys.executable, root / "scripts" / "fuzz.py", "40", "7"]
    run = subprocess.run(command, env=where, capture_output=True, text=True, check=False)
    assert run.stdout.splitlines()[-1:] == ["40 of 40 seeds passed"], run.stderr
