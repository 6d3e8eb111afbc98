"""The outages of targets in Valkey or Redis, where `GATEWRIGHT_REDIS` names one: a hash, each target a field."""

import importlib
from collections.abc import Sequence
from typing import Any

from gatewright.errors import ConfigError, UnavailableError
from gatewright.snapshot.outage import Outage

HASH = "gatewright:target_health"

PATIENCE = 2.0
"""Seconds to wait for the server."""

KEPT = 3_600_000
"""Milliseconds after which a hash that nobody writes any more is deleted."""

# One round trip, and nobody comes between. Times are reckoned by the server's clock. What a provider asked for is
# always news, and of other outages the one that lasts longest counts. A field is `until:stated:times:reason`.
_EXCHANGE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for at = 2, #ARGV, 4 do
  local key, milliseconds, stated, rest = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local untilthen = now + tonumber(milliseconds)
  local known = tonumber(string.match(redis.call('HGET', KEYS[1], key) or '0', '^%d+'))
  if stated == '1' or untilthen > known then
    redis.call('HSET', KEYS[1], key, string.format('%.0f:%s:%s', untilthen, stated, rest))
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
  end
end
local found = redis.call('HGETALL', KEYS[1])
local left = {}
for at = 1, #found, 2 do
  local untilthen, rest = string.match(found[at + 1], '^(%d+):(.*)$')
  if untilthen and tonumber(untilthen) > now then
    table.insert(left, found[at])
    table.insert(left, string.format('%.0f:%s', untilthen - now, rest))
  else
    redis.call('HDEL', KEYS[1], found[at])
  end
end
return left
"""


class Outages:
    """The hash as what `Cooldowns` shares through. To be used by one thread at a time."""

    def __init__(self, url: str) -> None:
        """Keep them at `url`; nothing is opened yet.

        Args:
            url: `redis://[user:password@]host[:port][/number]`, `rediss://…` for TLS, `unix://path`, or the same with
                `valkey`.

        Raises:
            ConfigError: when it is none of these, or the client is not installed.
        """
        try:
            # Most servers go without: it is loaded only for those that need it.
            client: Any = importlib.import_module("valkey")
        except ModuleNotFoundError:
            raise ConfigError("GATEWRIGHT_REDIS needs its client: pip install 'gatewright[redis]'.") from None
        try:
            self._client = client.Valkey.from_url(
                url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, decode_responses=True
            )
        except ValueError:
            raise ConfigError(
                "GATEWRIGHT_REDIS cannot be read. "
                "Use redis://[user:password@]host[:port][/number], or rediss:// for TLS."
            ) from None
        self._failed: type[Exception] = client.ValkeyError
        self._exchange = self._client.register_script(_EXCHANGE)

    def exchange(self, told: Sequence[Outage]) -> Sequence[Outage]:
        """Store what one process has noticed; what all have noticed that is not over yet.

        Raises:
            UnavailableError: when the server is away, or does not do what it is asked.
        """
        fields = [
            field
            for one in told
            for field in (one.key, round(one.seconds * 1000), int(one.stated), f"{one.times}:{one.reason}")
        ]
        try:
            found = self._exchange(keys=[HASH], args=[KEPT, *fields])
        except self._failed as problem:
            raise UnavailableError(f"The server that GATEWRIGHT_REDIS names cannot be used: {problem}") from None
        return [_outage(key, text) for key, text in zip(found[::2], found[1::2], strict=True)]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _outage(key: str, text: str) -> Outage:
    milliseconds, stated, times, reason = text.split(":", 3)
    return Outage(key=key, seconds=int(milliseconds) / 1000, reason=reason, times=int(times), stated=stated == "1")
