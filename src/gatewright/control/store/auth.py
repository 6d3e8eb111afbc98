"""The settings beside a secret: what they may hold, and where `api_base` may point."""

import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from ipaddress import ip_address

from gatewright.control.store import limits
from gatewright.errors import ClientError
from gatewright.snapshot.address import is_public, literal, parse_base

DNS_SECONDS = 5.0

_DESTINATIONS = {"base_url", "model_list", "fallbacks", "custom_llm_provider"}
"""Keys with which client libraries redirect a call; only a judged `api_base` may do that."""

_resolvers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="gatewright-dns")


def check_secret_value(secret_value: Mapping[str, str]) -> None:
    """Refuse values that are empty, too long, or say where requests go.

    Raises:
        ClientError: naming the keys, never a value.
    """
    _refuse_keys("secret_value", secret_value, _DESTINATIONS | {"api_base"})
    limits.text_map("secret_value", secret_value)
    for key, value in secret_value.items():
        if not value.strip():
            raise ClientError(f"Invalid value for parameter 'secret_value': '{key}' is empty.")


def normalise(auth_config: Mapping[str, str], *, allow_private: bool) -> dict[str, str]:
    """The settings as they are stored: `api_base` trimmed, or gone when blank.

    Raises:
        ClientError: for reserved keys, and for an `api_base` that breaks the address rule.
    """
    _refuse_keys("auth_config", auth_config, _DESTINATIONS)
    limits.text_map("auth_config", auth_config)
    settings = dict(auth_config)
    base = settings.pop("api_base", "").strip()
    if base:
        parse_base(base, allow_private=allow_private)
        # Its place among the other keys is kept.
        settings = {key: base if key == "api_base" else value for key, value in auth_config.items()}
    return settings


def _refuse_keys(parameter: str, values: Mapping[str, str], reserved: Iterable[str]) -> None:
    found = sorted(set(reserved) & set(values))
    if found:
        raise ClientError(
            f"{parameter} must not contain {', '.join(map(repr, found))}: these keys choose where the gateway sends "
            "requests. Set the upstream with 'api_base' in auth_config, where it is validated."
        )


def _addresses(host: str) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def refuse_private(
    auth_config: Mapping[str, str] | None,
    *,
    allow_private: bool,
    resolve: Callable[[str], list[str]] = _addresses,
) -> None:
    """Ask DNS where `api_base` points, and refuse a name with an address that is not public.

    Call it before a write transaction is opened, for a name server may be slow. It is a help for the operator: the
    rule itself is kept on every connection, by `upstream`.

    Raises:
        ClientError: as `normalise`, for a private address, or when the name does not resolve within 5 seconds.
    """
    base = normalise(auth_config or {}, allow_private=allow_private).get("api_base")
    if base is None or allow_private:
        return
    host = parse_base(base).host
    if literal(host) is not None:
        return
    try:
        found = _resolvers.submit(resolve, host).result(DNS_SECONDS)
    except (OSError, UnicodeError, FutureTimeoutError):
        raise ClientError(
            f"Invalid api_base: host {host!r} cannot be resolved. Check the name, or try again."
        ) from None
    if not all(is_public(ip_address(address.partition("%")[0])) for address in found):
        raise ClientError(
            f"Invalid api_base: host {host!r} has a private address. "
            "Set GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS=1 to allow upstreams inside your own network."
        )
