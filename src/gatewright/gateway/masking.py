"""Keeps a provider from telling a caller our credential: some repeat the key they were called with in their errors."""

from collections.abc import Iterator

from gatewright.gateway.exchange import Headers

MASK = b"***"


def masked(said: bytes, credential: Headers) -> bytes:
    """What a provider says, without our credential.

    Args:
        said: its words.
        credential: the header fields that proved who asked; of `Bearer KEY` the key alone is taken out too.
    """
    for secret in _secrets(credential):
        said = said.replace(secret, MASK)
    return said


def masked_text(said: str, credential: Headers) -> str:
    """As `masked`, of text."""
    return masked(said.encode("utf-8", "replace"), credential).decode("utf-8", "replace")


def _secrets(credential: Headers) -> Iterator[bytes]:
    for _, value in credential:
        yield from (one for one in (value, value.rpartition(b" ")[2]) if one)
