"""What the other tests stand on."""

import pytest
import valkey

from fixtures.needed import missing


def test_valkey_answers(valkey_url):
    """A server that keeps what it is given."""
    with valkey.Valkey.from_url(valkey_url) as client:
        assert client.ping()
        client.set("gatewright:fixture", "kept", ex=60)
        assert client.get("gatewright:fixture") == b"kept"


@pytest.mark.parametrize(("ci", "outcome"), [("1", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_ci_does_not_skip_what_it_cannot_find(monkeypatch, ci, outcome):
    """A test whose ground is not there fails in CI and is skipped elsewhere; both say what is missing."""
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no recording"):
        missing("no recording here")
