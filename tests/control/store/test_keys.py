"""Keys that callers send."""

import re

import pytest
from sqlalchemy import select

from gatewright.control.store import keys
from gatewright.control.store.tables import ApiKeyRow
from gatewright.errors import AlreadyExistsError, ClientError, NotFoundError
from gatewright.snapshot.model import key_digest


def create(database, name, **fields):
    with database.write() as tx:
        return keys.create(tx, name=name, **fields)


def test_a_key_is_told_once_and_stored_as_a_digest(database):
    """Its text has 256 random bits; the database has the hash and a mask."""
    made, text = create(database, "ci", admin=True)
    assert re.fullmatch(r"gw-[A-Za-z0-9_-]{43}", text)
    assert made.digest == key_digest(text)
    assert made.masked == f"{text[:6]}...{text[-4:]}"
    assert (made.name, made.admin) == ("ci", True)
    with database.read() as tx:
        assert keys.list_all(tx) == [made]
        assert keys.digests(tx) == {key_digest(text): made}
        assert text not in str(tx.execute(select(ApiKeyRow.__table__)).all())
    assert str(made.digest) not in repr(made)
    assert create(database, "other")[1] != text


def test_a_key_is_revoked_by_name_or_id(database):
    """What it was comes back; afterwards it is not found."""
    one, two = create(database, "one")[0], create(database, "two")[0]
    with database.write() as tx:
        assert keys.revoke(tx, "one") == one
        assert keys.revoke(tx, two.key_id) == two
        assert keys.list_all(tx) == []
        for gone in ("one", two.key_id, "nul\0"):
            with pytest.raises(NotFoundError, match="Key not found"):
                keys.revoke(tx, gone)


def test_a_bad_or_taken_name_is_refused(database):
    """The name says which."""
    create(database, "one")
    with pytest.raises(AlreadyExistsError, match="'one'"):
        create(database, "one")
    for name, named in [("", "'name'"), ("n" * 256, "at most 255"), ("\0", "NUL")]:
        with pytest.raises(ClientError, match=named):
            create(database, name)
