"""Every recorded exchange through every check of `docs/conformance.md`, and the page itself."""

import os
import subprocess
import sys
from pathlib import Path

import pydantic_core
import pytest

from fixtures.conformance.cases import outcomes
from fixtures.conformance.limits import LIMITS
from fixtures.conformance.page import CHECKS, page, recordings, results
from fixtures.conformance.sdk import accept_request
from fixtures.needed import missing
from fixtures.recorded import FOLDER, Exchange, everything

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
    assert failed == (["answer"] if check == "own dialect" else ["to messages", "to generate_content", "to responses"])


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
    ],
)
def test_the_sdks_types_are_held_to_every_field(dialect, body):
    """A request passes, and one with a field that the SDK does not know does not, on top or inside a list."""
    accept_request(dialect, body)
    with pytest.raises(pydantic_core.ValidationError):
        accept_request(dialect, body | {"made_up": 1})
    turns = next(name for name, value in body.items() if isinstance(value, list))
    with pytest.raises(pydantic_core.ValidationError):
        accept_request(dialect, body | {turns: [body[turns][0] | {"made_up": 1}]})


@pytest.mark.usefixtures("recorded")
def test_make_fuzz_runs():
    """The long form is for people; a few seeds of it show that it still runs."""
    root = PAGE.parents[1]
    where = os.environ | {"PYTHONPATH": str(root / "tests")}
    command = [sys.executable, root / "scripts" / "fuzz.py", "40", "7"]
    run = subprocess.run(command, env=where, capture_output=True, text=True, check=False)
    assert run.stdout.splitlines()[-1:] == ["40 of 40 seeds passed"], run.stderr
