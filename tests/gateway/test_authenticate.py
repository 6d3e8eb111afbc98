"""Keys: where they are found, and what is said when they are not."""

import base64
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewright.errors import AccessError, ForbiddenError
from gatewright.gateway.authenticate import authenticate, require_admin
from gatewright.snapshot.model import ANONYMOUS, Principal, Snapshot, key_digest

KEY = "gw-a-key-of-the-tests"
ALICE = Principal(key_id="k-1", name="alice")
SNAPSHOT = Snapshot(revision=1, principals=MappingProxyType({key_digest(KEY): ALICE}))


def basic(user, password):
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {KEY}".encode(),
        f"bearer   {KEY} ".encode(),
        basic("anyone", KEY),
        basic("", KEY),
    ],
)
def test_a_key_is_found_in_the_authorization_header(value):
    """Bearer in any case, or the password of Basic whatever the user name."""
    assert authenticate(SNAPSHOT, [(b"host", b"x"), (b"authorization", value)]) is ALICE


@pytest.mark.parametrize(
    "value",
    [b"Bearer", b"Bearer ", b"Basic ???", b"Basic " + base64.b64encode(b"\xff\xff"), b"Bearer \xff", b"Digest x"],
)
def test_what_is_no_valid_key_is_refused(value):
    """Never anything but our own error."""
    with pytest.raises(AccessError):
        authenticate(SNAPSHOT, [(b"authorization", value)])


@given(st.binary(max_size=60))
def test_any_bytes_in_the_header_give_our_own_error_that_does_not_repeat_them(value):
    """Fuzz: only AccessError escapes, and the message is one of two fixed ones."""
    with pytest.raises(AccessError) as caught:
        authenticate(SNAPSHOT, [(b"authorization", value)])
    assert caught.value.public.startswith(("No API key", "The API key is not valid"))


@pytest.mark.parametrize("name", [b"x-api-key", b"x-goog-api-key", b"api-key"])
def test_a_key_is_found_where_each_sdk_puts_it(name):
    """Anthropic's, Google's and Azure's headers; the authorization header wins over them."""
    assert authenticate(SNAPSHOT, [(name, KEY.encode())]) is ALICE
    with pytest.raises(AccessError):
        authenticate(SNAPSHOT, [(name, KEY.encode()), (b"authorization", b"Bearer other")])


@pytest.mark.parametrize("query", [f"key={KEY}", f"alt=sse&key={KEY}"])
def test_a_key_is_found_in_the_query(query):
    """As Google's REST clients send it."""
    assert authenticate(SNAPSHOT, [], query.encode()) is ALICE
    with pytest.raises(AccessError):
        authenticate(SNAPSHOT, [], b"key=wrong&\xff")


def test_without_authentication_everybody_is_anonymous_but_a_valid_key_still_counts():
    """--no-auth: a caller without a key, or with a wrong one, is the anonymous administrator."""
    open_server = Snapshot(revision=1, principals=SNAPSHOT.principals, anonymous=ANONYMOUS)
    assert authenticate(open_server, []) is ANONYMOUS
    assert authenticate(open_server, [(b"authorization", b"Bearer nonsense")]) is ANONYMOUS
    assert authenticate(open_server, [(b"authorization", f"Bearer {KEY}".encode())]) is ALICE


def test_only_an_admin_key_may_manage():
    """The refusal names the key's name, never the key."""
    require_admin(Principal(key_id="k-2", name="root", admin=True))
    with pytest.raises(ForbiddenError, match="'alice' may call endpoints but not manage"):
        require_admin(ALICE)
