"""From an identity to the credential headers of one request."""

import time
from collections.abc import Mapping
from typing import assert_never

from gatewright.snapshot.address import Address
from gatewright.snapshot.identity import AwsIdentity, GoogleIdentity, Identity, OAuthIdentity
from gatewright.upstream.aws import Aws
from gatewright.upstream.google import Google
from gatewright.upstream.issuer import Send, client_credentials
from gatewright.upstream.leases import Clock, Lease, Leases
from gatewright.upstream.request import Headers
from gatewright.upstream.sigv4 import Signed, sign


class Authorizer:
    """Signs requests and keeps tokens, for one event loop.

    Args:
        send: how services that give out credentials are asked.
        cloud: environment variables of the server; see `Settings.cloud`.
        private: `GATEWRIGHT_ALLOW_PRIVATE_UPSTREAMS`.
        clock: seconds since the epoch.
    """

    def __init__(self, send: Send, cloud: Mapping[str, str], *, private: bool, clock: Clock = time.time) -> None:
        self._send = send
        self._clock = clock
        self._aws = Aws(send, cloud, clock)
        self._google = Google(send, cloud, clock, private=private)
        self._tokens: Leases[GoogleIdentity | OAuthIdentity, str] = Leases(self._fetch, clock)

    async def headers(
        self, identity: Identity, address: Address, method: bytes, path: bytes, headers: Headers, body: bytes
    ) -> tuple[tuple[bytes, bytes], ...]:
        """The credential headers of one request, `authorization` first.

        A request waits for a credential only where none serves.

        Args:
            identity: who sends it.
            address: where to.
            method: e.g. `POST`.
            path: the whole request target.
            headers: its other headers.
            body: its body.

        Raises:
            UpstreamCredentialError: there is no credential; the message says what to do and holds no secret.
            UnavailableError: the gateway is shutting down.
        """
        if not isinstance(identity, AwsIdentity):
            return ((b"authorization", b"Bearer " + (await self._tokens.get(identity)).encode("ascii")),)
        keys = await self._aws.keys(identity)
        signed = Signed(
            method=method,
            host=address.authority,
            target=path,
            headers=[one for one in headers if one[0] == b"content-type" or one[0].startswith(b"x-amz-")],
            body=body,
        )
        return sign(signed, keys, region=identity.region, service=identity.service, at=self._clock())

    def refused(self, identity: Identity) -> None:
        """The provider did not take the credential: get another one for the next request, unless it is new."""
        if isinstance(identity, AwsIdentity):
            self._aws.drop(identity)
        else:
            self._tokens.drop(identity)

    async def close(self) -> None:
        """Wait for what is under way; the client behind `send` must be closed."""
        await self._aws.close()
        await self._tokens.close()

    async def _fetch(self, identity: GoogleIdentity | OAuthIdentity) -> Lease[str]:
        match identity:
            case GoogleIdentity():
                return await self._google.fetch(identity)
            case OAuthIdentity():
                return await client_credentials(identity, self._send, self._clock)
            case _:
                assert_never(identity)
