"""Every error Gatewright raises on purpose, in one tree.

::

    GatewrightError
    ├── ConfigError        503   the operator's settings or files cannot be used; stops a command
    ├── ClientError        400   the caller sent something that cannot be served
    │   ├── NotFoundError        404
    │   ├── AlreadyExistsError   400   (the status MLflow's clients expect)
    │   ├── InvalidStateError    409
    │   ├── MethodNotAllowedError 405
    │   └── TooLargeError        413
    ├── AccessError        401   no key, or not a valid one
    │   └── ForbiddenError       403
    ├── UnavailableError   503   we cannot serve this now
    │   └── LaterError           503   but soon; 429 for a limit of the caller's or the provider's
    │       ├── RestingError             all providers have asked to be left alone for a while
    │       └── OverloadedError          more requests are under way than may be
    └── UpstreamError      502   the provider failed
        ├── UpstreamRefusedError     502   no connection could be made (nothing was sent)
        │   ├── UpstreamNameError            its name leads nowhere
        │   ├── UpstreamTlsError             no TLS with it
        │   └── UpstreamCredentialError      there is no credential to call it with
        ├── UpstreamProtocolError    502   the answer is not what was expected
        │   └── UpstreamCutError             the connection ended before the answer was complete
        │       └── UpstreamResetError       or before a byte of it
        ├── UpstreamTimeoutError     504   the answer was not complete in time
        │   ├── UpstreamConnectTimeoutError  there was no connection in time
        │   ├── UpstreamBusyError    503   every connection we may have was busy
        │   ├── UpstreamSilentError          not a byte of it came in time
        │   └── UpstreamStalledError         it stopped coming
        └── UpstreamStatusError      its own   the provider answered with an error status

Only `public` is ever shown to a caller. It says what happened, which thing, and what to do; it never holds a
secret value. Which upstream failure is retried or falls back is decided in one table, `gateway/failures.py`.
"""


class GatewrightError(Exception):
    """Root of the tree; `str()` of an error is its public message.

    Attributes:
        status: HTTP status of the answer.
        code: machine-readable code, MLflow's `error_code` vocabulary.
        public: the message for the caller; free of secrets.
        retry_after: seconds after which it is worth sending the request again; None where that is not known.
    """

    status = 500
    code = "INTERNAL_ERROR"
    retry_after: float | None = None

    def __init__(self, public: str) -> None:
        super().__init__(public)
        self.public = public


class ConfigError(GatewrightError):
    """The operator's settings, files or command line cannot be used; a caller meets it when they break meanwhile."""

    status = 503
    code = "INVALID_CONFIGURATION"


class ClientError(GatewrightError):
    """The caller sent something that cannot be served; sending it again will not help."""

    status = 400
    code = "INVALID_PARAMETER_VALUE"


class NotFoundError(ClientError):
    """The named thing does not exist."""

    status = 404
    code = "RESOURCE_DOES_NOT_EXIST"


class AlreadyExistsError(ClientError):
    """The name or the link is taken."""

    code = "RESOURCE_ALREADY_EXISTS"


class InvalidStateError(ClientError):
    """The thing is in use, or not in a state that allows this."""

    status = 409
    code = "INVALID_STATE"


class MethodNotAllowedError(ClientError):
    """The path exists, but not with this method; `allow` lists those it has."""

    status = 405
    code = "METHOD_NOT_ALLOWED"

    def __init__(self, public: str, allow: tuple[str, ...]) -> None:
        super().__init__(public)
        self.allow = allow


class TooLargeError(ClientError):
    """The body is over the limit."""

    status = 413
    code = "REQUEST_TOO_LARGE"


class AccessError(GatewrightError):
    """No key was sent, or not a valid one."""

    status = 401
    code = "UNAUTHENTICATED"


class ForbiddenError(AccessError):
    """The key is valid but may not do this."""

    status = 403
    code = "PERMISSION_DENIED"


class UnavailableError(GatewrightError):
    """Gatewright cannot serve this now; the message says what must change."""

    status = 503
    code = "TEMPORARILY_UNAVAILABLE"


class LaterError(UnavailableError):
    """Gatewright cannot serve this now, and knows when to send it again: after `retry_after` seconds."""

    def __init__(self, public: str, retry_after: float, *, limited: bool) -> None:
        super().__init__(public)
        self.retry_after = retry_after
        if limited:
            self.status, self.code = 429, "REQUEST_LIMIT_EXCEEDED"


class RestingError(LaterError):
    """The provider of every target has asked to be left alone for a while."""


class OverloadedError(LaterError):
    """As many requests are under way as there may be, and it was not the turn of this one in time."""


class UpstreamError(GatewrightError):
    """The provider failed."""

    status = 502
    code = "UPSTREAM_ERROR"


class UpstreamRefusedError(UpstreamError):
    """No connection could be made, so nothing was sent."""

    code = "UPSTREAM_UNREACHABLE"


class UpstreamNameError(UpstreamRefusedError):
    """The provider's name cannot be resolved."""


class UpstreamTlsError(UpstreamRefusedError):
    """The TLS handshake failed, or the certificate is not trusted."""


class UpstreamCredentialError(UpstreamRefusedError):
    """There is no credential to call the provider with."""


class UpstreamProtocolError(UpstreamError):
    """The answer broke off, or is not the protocol that was expected."""

    code = "UPSTREAM_PROTOCOL_ERROR"


class UpstreamCutError(UpstreamProtocolError):
    """The connection ended before the answer was complete."""


class UpstreamResetError(UpstreamCutError):
    """The connection ended before a byte of the answer."""


class UpstreamTimeoutError(UpstreamError):
    """The provider did not answer in time; of this class itself, it did not finish."""

    status = 504
    code = "UPSTREAM_TIMEOUT"


class UpstreamConnectTimeoutError(UpstreamTimeoutError):
    """No connection could be opened in time."""


class UpstreamBusyError(UpstreamTimeoutError):
    """Every connection that we may have to the provider was busy; it is not at fault."""

    status = 503
    code = "UPSTREAM_BUSY"

    def __init__(self, public: str, retry_after: float) -> None:
        super().__init__(public)
        self.retry_after = retry_after


class UpstreamSilentError(UpstreamTimeoutError):
    """The request was sent, and not a byte of its answer came in time."""


class UpstreamStalledError(UpstreamTimeoutError):
    """Request or answer stopped on its way."""


class UpstreamStatusError(UpstreamError):
    """The provider answered with an error status.

    Attributes:
        status: the provider's status, given on to the caller.
        headers: its response headers, lower-case names.
        body: its body, at most what `upstream` was told to read.
        inside: whether the error came inside an answer whose own status said that all is well.
        native: whether the caller speaks the provider's dialect, so that the body can be given on as it is.
    """

    code = "UPSTREAM_REJECTED"

    def __init__(
        self,
        public: str,
        status: int,
        headers: tuple[tuple[bytes, bytes], ...],
        body: bytes,
        *,
        inside: bool = False,
        native: bool = True,
    ) -> None:
        super().__init__(public)
        self.status = status
        self.headers = headers
        self.body = body
        self.inside = inside
        self.native = native
