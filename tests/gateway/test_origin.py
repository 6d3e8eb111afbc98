"""What a page of another site can make a browser send is refused."""

import pytest

from gatewright.errors import ForbiddenError
from gatewright.gateway.origin import check_origin


def headers(host, origin=None):
    fields = [(b"host", host.encode())]
    return fields if origin is None else [*fields, (b"origin", origin.encode())]


def test_a_change_from_another_site_is_refused():
    """Also where the server asks for keys: the browser may add stored ones."""
    with pytest.raises(ForbiddenError, match="another site"):
        check_origin("POST", headers("gw.example:4040", "https://evil.example"), open_server=False)


@pytest.mark.parametrize("origin", ["null", "http://localhost:9", "file://", "http://[", "::"])
def test_odd_origins_are_another_site(origin):
    """Anything that is not this very origin is refused, never an error of ours."""
    with pytest.raises(ForbiddenError):
        check_origin("DELETE", headers("localhost:4040", origin), open_server=True)


def test_the_same_origin_and_programs_may_change_things():
    """A program sends no Origin; the own page sends its own."""
    check_origin("POST", headers("gw.example:4040"), open_server=False)
    check_origin("POST", headers("gw.example:4040", "http://gw.example:4040"), open_server=False)
    check_origin("GET", headers("gw.example:4040", "https://evil.example"), open_server=False)


@pytest.mark.parametrize("host", ["localhost:4040", "127.0.0.1:4040", "[::1]:4040", "127.8.8.8", "a.localhost"])
def test_an_open_server_answers_to_loopback_names(host):
    """Every way to say this machine is fine."""
    check_origin("GET", headers(host), open_server=True)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.1", "", "[::2", "127.0.0.1.evil.example"]
)
def test_an_open_server_does_not_answer_to_other_names(host):
    """DNS rebinding: a page's own name that points here is refused, for reads too."""
    with pytest.raises(ForbiddenError):
        check_origin("GET", headers(host), open_server=True)
