"""The TLS of upstream connections: always verified, HTTP/1.1 by ALPN."""

import asyncio
import ssl

from gatewright.errors import ConfigError


def client_context(ca_file: str = "") -> ssl.SSLContext:
    """Make the context all upstream connections share.

    Args:
        ca_file: PEM file of the authorities to trust instead of the system's; empty for the system's.

    Raises:
        ConfigError: the file is missing or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise ConfigError(
            f"GATEWRIGHT_CA_FILE={ca_file!r} cannot be used: {error.strerror or 'it is not a PEM file'}. "
            "Name a file of PEM certificates, or leave it out to trust the system's authorities."
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


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
