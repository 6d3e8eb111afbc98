"""The TLS of upstream connections: always verified, HTTP/1.1 by ALPN, sessions resumed."""

import asyncio
import ssl
from typing import Any

from gatewright.errors import ConfigError

SESSIONS = 256
"""Most names whose last session is kept; the oldest is forgotten."""


class Context(ssl.SSLContext):
    """A client's context that offers each name the session of the last connection to it.

    A resumed handshake needs no certificates and less computing on both sides. The other side may decline: the
    handshake is then a full one. Event loops have no argument for a session, so it is given where they make the TLS
    object.
    """

    def __init__(self, *_: Any) -> None:
        self._sessions: dict[str, ssl.SSLSession] = {}

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As the base class does, with the session that is kept for the name."""
        kept = self._sessions.get(server_hostname) if isinstance(server_hostname, str) else None
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session or kept)

    def keep(self, name: str, session: ssl.SSLSession) -> None:
        """Offer this session from now on."""
        self._sessions.pop(name, None)
        self._sessions[name] = session
        if len(self._sessions) > SESSIONS:
            del self._sessions[next(iter(self._sessions))]

    def forget(self, name: str) -> None:
        """Begin anew with a name; a handshake with it has failed."""
        self._sessions.pop(name, None)


def client_context(ca_file: str = "", cert_file: str = "", key_file: str = "") -> Context:
    """Make the context all upstream connections share.

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's; empty for the system's.
        cert_file: PEM file of the certificate, and those above it, to show to servers that ask for one; empty for none.
        key_file: PEM file of its private key, not encrypted; empty when the key is in `cert_file`.

    Raises:
        ConfigError: a file is missing or does not hold what it should.
    """
    context = Context(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca_file:
            context.load_verify_locations(ca_file)
        else:
            context.load_default_certs()
    except OSError as error:
        raise ConfigError(
            f"GATEWRIGHT_CA_FILE={ca_file!r} cannot be used: {error.strerror or 'it is not a PEM file'}. "
            "Name a file of PEM certificates, or leave it out to trust the system's authorities."
        ) from None
    _load_certificate(context, cert_file, key_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load_certificate(context: Context, cert_file: str, key_file: str) -> None:
    if not cert_file:
        if key_file:
            raise ConfigError("GATEWRIGHT_CLIENT_KEY is of no use alone: set GATEWRIGHT_CLIENT_CERT too.")
        return
    try:
        # Without a password of ours, OpenSSL would ask the terminal for that of an encrypted key.
        context.load_cert_chain(cert_file, key_file or None, password="")
    except (OSError, ValueError) as error:
        reason = "no such pair of a certificate and its unencrypted key"
        if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
            reason = error.strerror
        raise ConfigError(
            f"GATEWRIGHT_CLIENT_CERT={cert_file!r} with GATEWRIGHT_CLIENT_KEY={key_file!r} cannot be used: {reason}. "
            "Name PEM files of a certificate and of its private key without a password."
        ) from None


def keep_session(transport: asyncio.BaseTransport) -> None:
    """Keep the session of a connection for the next one. With TLS 1.3 it comes after the handshake."""
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if tls is not None and tls.session is not None and isinstance(tls.context, Context) and tls.server_hostname:
        tls.context.keep(tls.server_hostname, tls.session)


def read_no_further(transport: asyncio.Transport) -> None:
    """Let nothing more than one read pile up in the TLS layer while its reader pauses.

    Else uvloop also reads the end of the stream then, and drops what was not yet read before it.
    """
    limit = getattr(transport, "set_read_buffer_limits", None)  # only transports of TLS have it
    if limit is not None:
        limit(high=1, low=0)


def ended_orderly(transport: asyncio.BaseTransport) -> bool:
    """Whether a stream that has ended was ended by the other side itself.

    Over TLS that takes a close_notify; a bare end of the TCP stream can be made by anybody on the way. Event
    loops differ in what they report, so the TLS object is asked: it reads as empty after a close_notify, and
    wants more before.
    """
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if tls is None:
        return True
    try:
        return not tls.read(1)
    except ssl.SSLError:
        return False
