"""Keys for AWS: given ones, those of a role, and those the server itself finds.

https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
"""

import asyncio
import configparser
import datetime as dt
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from gatewright.errors import UpstreamCredentialError
from gatewright.snapshot.address import Address, literal
from gatewright.snapshot.identity import AwsIdentity
from gatewright.upstream.issuer import FORM, NEARBY, Issuer, Send, content, place
from gatewright.upstream.leases import Clock, Lease, Leases
from gatewright.upstream.request import Headers
from gatewright.upstream.sigv4 import Keys, Signed, sign

_REREAD = 300.0
"""Seconds after which a credentials file is read anew."""

_IMDS = Address("http", "169.254.169.254", 80, private=True)
_ECS = Address("http", "169.254.170.2", 80, private=True)
_CONTAINER_HOSTS = frozenset(map(ipaddress.ip_address, ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")))
_IMDS_ROLE = b"/latest/meta-data/iam/security-credentials/"
_NONE = (
    "The server finds no AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run it where it has a role, "
    "or put access keys into the secret."
)


class _Given(msgspec.Struct, rename="pascal"):
    """What containers and instances are answered."""

    access_key_id: str
    secret_access_key: str
    token: str
    expiration: str


class Aws:
    """The keys of AWS identities, for one event loop.

    Args:
        send: how services are asked.
        cloud: environment variables of the server; see `Settings.cloud`.
        clock: seconds since the epoch.
    """

    def __init__(self, send: Send, cloud: Mapping[str, str], clock: Clock) -> None:
        self._send = send
        self._cloud = cloud
        self._clock = clock
        self._leases: Leases[AwsIdentity, Keys] = Leases(self._fetch, clock)

    async def keys(self, identity: AwsIdentity) -> Keys:
        """The keys an identity signs with.

        Raises:
            UpstreamCredentialError: there are none; the message says what to do.
        """
        if identity.key_id and not identity.role:
            return Keys(key_id=identity.key_id, secret=identity.secret_key, token=identity.session_token)
        return await self._leases.get(identity)

    def drop(self, identity: AwsIdentity) -> None:
        """AWS refused the keys: those of the identity, and those it assumed its role with."""
        self._leases.drop(identity)
        self._leases.drop(_without_role(identity))

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._leases.close()

    async def _fetch(self, identity: AwsIdentity) -> Lease[Keys]:
        if identity.role:
            return _sendable(await self._assume(identity, await self.keys(_without_role(identity))))
        for source in (self._environment, self._web_identity, self._file, self._container, self._instance):
            found = await source(identity)
            if found is not None:
                return _sendable(found)
        raise UpstreamCredentialError(_NONE)

    async def _assume(self, identity: AwsIdentity, keys: Keys) -> Lease[Keys]:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html."""
        issuer = self._sts(identity, "Check aws_role_name, and that its trust policy lets these credentials assume it.")
        body = _query("AssumeRole", RoleArn=identity.role, RoleSessionName=identity.session_name)
        target = issuer.address.path.encode("ascii") + b"/"
        signed = Signed(method=b"POST", host=issuer.address.authority, target=target, headers=(FORM,), body=body)
        proof = sign(signed, keys, region=identity.region, service="sts", at=self._clock())
        return _assumed(issuer, await issuer.ask(self._send, b"POST", b"/", (FORM, *proof), body))

    def _sts(self, identity: AwsIdentity, advice: str) -> Issuer:
        own = self._cloud.get("AWS_ENDPOINT_URL_STS")
        if own:
            return Issuer("AWS STS", place(own, "AWS_ENDPOINT_URL_STS"), advice)
        domain = "amazonaws.com.cn" if identity.region.startswith("cn-") else "amazonaws.com"
        return Issuer("AWS STS", Address("https", f"sts.{identity.region}.{domain}", 443), advice)

    # The sources of the server's own keys, in the order in which AWS's own clients ask them.

    async def _environment(self, _identity: AwsIdentity) -> Lease[Keys] | None:
        cloud = self._cloud
        key_id, secret = cloud.get("AWS_ACCESS_KEY_ID"), cloud.get("AWS_SECRET_ACCESS_KEY")
        if not (key_id and secret):
            return None
        return Lease(Keys(key_id=key_id, secret=secret, token=cloud.get("AWS_SESSION_TOKEN", "")))

    async def _web_identity(self, identity: AwsIdentity) -> Lease[Keys] | None:
        """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html."""
        cloud = self._cloud
        path, role = cloud.get("AWS_WEB_IDENTITY_TOKEN_FILE"), cloud.get("AWS_ROLE_ARN")
        if not (path and role):
            return None
        issuer = self._sts(identity, "Check AWS_ROLE_ARN, and that its trust policy takes the web identity.")
        body = _query(
            "AssumeRoleWithWebIdentity",
            RoleArn=role,
            RoleSessionName=cloud.get("AWS_ROLE_SESSION_NAME") or identity.session_name,
            WebIdentityToken=(await content(path, "AWS_WEB_IDENTITY_TOKEN_FILE")).strip(),
        )
        return _assumed(issuer, await issuer.ask(self._send, b"POST", b"/", (FORM,), body))

    async def _file(self, _identity: AwsIdentity) -> Lease[Keys] | None:
        """https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html."""
        path, profile = self._cloud.get("AWS_SHARED_CREDENTIALS_FILE", ""), self._cloud.get("AWS_PROFILE") or "default"
        read = configparser.RawConfigParser(strict=False)
        try:
            await asyncio.to_thread(read.read, path, "utf-8")
        except (configparser.Error, ValueError, OSError):
            raise UpstreamCredentialError(f"The AWS credentials file {path} cannot be read. Check its form.") from None
        found = dict(read.items(profile)) if read.has_section(profile) else {}
        key_id, secret = found.get("aws_access_key_id"), found.get("aws_secret_access_key")
        if not (key_id and secret):
            return None
        keys = Keys(key_id=key_id, secret=secret, token=found.get("aws_session_token") or "")
        return Lease(keys, self._clock() + _REREAD)

    async def _container(self, _identity: AwsIdentity) -> Lease[Keys] | None:
        """https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html."""
        cloud = self._cloud
        relative, full = (cloud.get(f"AWS_CONTAINER_CREDENTIALS_{kind}_URI", "") for kind in ("RELATIVE", "FULL"))
        if not (relative or full):
            return None
        address, path = (_ECS, relative) if relative else _container_place(full)
        token_file = cloud.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        token = cloud.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        if token_file:
            token = (await content(token_file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")).strip()
        headers: Headers = ((b"authorization", token.encode("utf-8")),) if token else ()
        issuer = Issuer("The container", address, "Check the role of the task or pod.", NEARBY)
        return _given(issuer, await issuer.ask(self._send, b"GET", path.encode("utf-8"), headers))

    async def _instance(self, _identity: AwsIdentity) -> Lease[Keys] | None:
        """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html, the second version."""
        if self._cloud.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
            return None
        own = self._cloud.get("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        address = place(own, "AWS_EC2_METADATA_SERVICE_ENDPOINT") if own else _IMDS
        issuer = Issuer("The EC2 metadata service", address, _NONE, NEARBY)
        lifetime = (b"x-aws-ec2-metadata-token-ttl-seconds", b"60")
        token = await issuer.ask(self._send, b"PUT", b"/latest/api/token", (lifetime,))
        headers = ((b"x-aws-ec2-metadata-token", token.strip()),)
        role = (await issuer.ask(self._send, b"GET", _IMDS_ROLE, headers)).split(b"\n")[0].strip()
        path = _IMDS_ROLE + quote(role).encode("ascii")
        return _given(issuer, await issuer.ask(self._send, b"GET", path, headers))


def _without_role(identity: AwsIdentity) -> AwsIdentity:
    return replace(identity, role="", session_name="gatewright")


def _query(action: str, **fields: str) -> bytes:
    return urlencode({"Action": action, "Version": "2011-06-15", **fields}).encode("ascii")


def _assumed(issuer: Issuer, answer: bytes) -> Lease[Keys]:
    """The keys of an answer of STS: XML whose values need no unescaping."""
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    found = [re.search(f"<{name}>([^<]+)</{name}>", answer.decode("utf-8", "replace")) for name in names]
    if None in found:
        raise issuer.refusal("its answer is not what it should be")
    key_id, secret, token, expires = (one[1] for one in found if one)
    return Lease(Keys(key_id=key_id, secret=secret, token=token), _end(issuer, expires))


def _given(issuer: Issuer, answer: bytes) -> Lease[Keys]:
    """The keys of an answer of a container or an instance."""
    found = issuer.read(answer, _Given)
    keys = Keys(key_id=found.access_key_id, secret=found.secret_access_key, token=found.token)
    return Lease(keys, _end(issuer, found.expiration))


def _end(issuer: Issuer, text: str) -> float:
    try:
        found = dt.datetime.fromisoformat(text)
        return found.replace(tzinfo=found.tzinfo or dt.UTC).timestamp()
    except (ValueError, OverflowError):
        raise issuer.refusal("its answer has no end of the credentials") from None


def _sendable(found: Lease[Keys]) -> Lease[Keys]:
    """Keys that can be written into a header."""
    text = found.value.key_id + found.value.token
    if not (text.isascii() and text.isprintable()):
        raise UpstreamCredentialError("The AWS credentials that were found hold characters that no key has.")
    return found


def _container_place(url: str) -> tuple[Address, str]:
    """Where a container's credentials are; in the clear only on the machine itself."""
    variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
    base, mark, query = url.partition("?")
    address = place(base, variable)
    ip = literal(address.host)
    if address.scheme == "http" and not (ip and (ip.is_loopback or ip in _CONTAINER_HOSTS)):
        raise UpstreamCredentialError(f"{variable} names {urlsplit(base).hostname!r}, which is asked by https only.")
    return address, mark + query
