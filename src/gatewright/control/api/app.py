"""The management API as one Starlette app: every call of the service, the discovery routes, and their reference.

Who may come in is settled before: the server in front authenticates, lets only admins through, and leaves the caller
in `scope["state"]["principal"]`.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gatewright import __version__
from gatewright.control.api import decode, discovery, ledger, openapi, page, render, targets
from gatewright.control.api.calls import CALLS, PREFIXES, Call
from gatewright.control.api.discovery import DISCOVERY, Catalogue
from gatewright.control.api.handlers import HANDLERS, Context
from gatewright.control.crypto import Vault
from gatewright.control.store import model_definitions
from gatewright.control.store.database import Database
from gatewright.errors import ClientError, GatewrightError, MethodNotAllowedError, NotFoundError, TooLargeError
from gatewright.settings import Settings
from gatewright.snapshot.model import Principal

THREADS = 16
"""How many calls use the database at once in one process; more wait their turn."""

_JSON = "application/json"
_HEADERS = {"x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN", "cache-control": "no-store"}


class _Api:
    """The handlers' side of the app: what they share, and the way of a request through them."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        settings: Settings,
        catalogue: Catalogue,
        standing: targets.Standing,
        changed: Callable[[], Awaitable[None]],
        failure: Callable[[GatewrightError], bytes],
    ) -> None:
        self._database = database
        self._vault = vault
        self._settings = settings
        self._catalogue = catalogue
        self._standing = standing
        self._changed = changed
        self._failure = failure
        self._threads = anyio.CapacityLimiter(THREADS)

    def route(self, call: Call, prefix: str) -> Route:
        """One call under one prefix."""

        async def endpoint(request: Request) -> Response:
            if call.method == "POST":
                _check_content_type(request.headers.get("content-type"))
            query = request.query_params.multi_items() if call.method == "GET" and request.url.query else None
            body = b"" if query is not None else await self._body(request)
            answer = await self._in_thread(self._answer, call, request.state.principal, query, body)
            if call.writes:
                await self._changed()
            return _json(answer)

        return Route(prefix + call.path, endpoint, methods=[call.method])

    def _answer(self, call: Call, principal: Principal, query: list[tuple[str, str]] | None, body: bytes) -> bytes:
        """From what was sent to what is answered: all that may take time, so that the event loop need not wait.

        A GET is read from its query, and from its body when it has none.
        """
        descriptor = call.request.DESCRIPTOR
        fields = decode.json_object(body) if query is None else decode.query_object(descriptor, query)
        context = Context(self._database, self._vault, self._settings, principal)
        answer = HANDLERS[call.name](context, decode.arguments(decode.message(call, fields)))
        return render.pretty(render.response(call, answer))

    async def requests(self, request: Request) -> Response:
        """The finished requests."""
        return _json(await self._in_thread(ledger.answer, self._database, request.query_params.multi_items()))

    async def targets(self, _request: Request) -> Response:
        """How each target stands."""
        return _json(targets.answer(*self._standing()))

    async def supported_models(self, request: Request) -> Response:
        """The operator's own models of a provider."""
        provider = request.query_params.get("provider")

        def read() -> Any:
            with self._database.read() as tx:
                return discovery.supported_models(model_definitions.list_all(tx, provider=provider))

        return _json(render.compact(await self._in_thread(read)))

    async def provider_config(self, request: Request) -> Response:
        """The fields of a provider's secrets."""
        return _json(render.compact(discovery.provider_config(self._catalogue, request.query_params.get("provider"))))

    async def refused(self, _request: Request, problem: Exception) -> Response:
        """An error we raised on purpose."""
        if not isinstance(problem, GatewrightError):  # pragma: no cover - Starlette calls it for this class only
            raise problem
        answer = _json(self._failure(problem), problem.status)
        if isinstance(problem, MethodNotAllowedError):
            answer.headers["allow"] = ", ".join(problem.allow)
        return answer

    async def unrouted(self, request: Request, problem: Exception) -> Response:
        """No route has this path, or not with this method."""
        headers = getattr(problem, "headers", None) or {}
        allow = tuple(headers.get("Allow", "").split(", "))
        path = request.url.path
        if getattr(problem, "status_code", 404) == 405:
            public = f"{path} has no {request.method}; use {' or '.join(allow)}."
            return await self.refused(request, MethodNotAllowedError(public, allow))
        return await self.refused(request, NotFoundError(f"There is nothing at {path}. /docs lists every route."))

    async def failed(self, request: Request, _problem: Exception) -> Response:
        """A fault of our own. The caller learns no detail, as it may hold a secret; the server in front logs it."""
        return await self.refused(
            request, GatewrightError("An internal error happened. The server's log has the details.")
        )

    async def _body(self, request: Request) -> bytes:
        limit = self._settings.max_body
        announced = request.headers.get("content-length", "")
        # Refused before it is sent, when the client waits for leave ("Expect: 100-continue").
        size = int(announced) if announced.isdecimal() else 0
        received = bytearray()
        if size <= limit:
            async for chunk in request.stream():
                received += chunk
                if (size := len(received)) > limit:
                    break
        if size > limit:
            raise TooLargeError(f"The request body is larger than {limit} bytes, the limit set by GATEWRIGHT_MAX_BODY.")
        return bytes(received)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._threads)


def create(
    *,
    database: Database,
    vault: Vault,
    settings: Settings,
    catalogue: Catalogue,
    operations: Sequence[tuple[str, str, str]],
    standing: targets.Standing,
    changed: Callable[[], Awaitable[None]],
    failure: Callable[[GatewrightError], bytes],
) -> Starlette:
    """Build the app.

    Args:
        database: where everything is stored; already migrated.
        vault: seals and opens secrets.
        settings: limits and what is allowed.
        catalogue: what is known about providers.
        operations: method, path and summary of the data plane's routes, for the reference only.
        standing: the snapshot in force, and how those targets stand that are not wholly in.
        changed: awaited after each successful write; returns once this process serves the change.
        failure: writes an error as JSON.
    """
    api = _Api(database, vault, settings, catalogue, standing, changed, failure)
    document = openapi.document(operations, version=__version__)
    constants: dict[str, tuple[bytes, str]] = {
        DISCOVERY + "/supported-providers": (
            render.compact(discovery.supported_providers(catalogue)),
            _JSON,
        ),
        DISCOVERY + "/secrets/config": (render.compact(discovery.secrets_config()), _JSON),
        **{prefix + "/mlflow/server-info": (render.compact(discovery.server_info()), _JSON) for prefix in PREFIXES},
        "/version": (__version__.encode(), "text/plain; charset=utf-8"),
        "/openapi.json": (json.dumps(document).encode(), _JSON),
    }
    app = Starlette(
        routes=[
            *(api.route(call, prefix) for prefix in PREFIXES for call in CALLS),
            Route(ledger.PATH, api.requests),
            Route(targets.PATH, api.targets),
            Route(DISCOVERY + "/supported-models", api.supported_models),
            Route(DISCOVERY + "/provider-config", api.provider_config),
            *(_constant(path, *answer) for path, answer in constants.items()),
            _constant("/docs", page.HTML, "text/html; charset=utf-8", page.HEADERS),
        ],
        exception_handlers={
            GatewrightError: api.refused,
            HTTPException: api.unrouted,
            ClientDisconnect: _gone,
            Exception: api.failed,
        },
    )
    app.router.redirect_slashes = False
    return app


def _constant(path: str, body: bytes, media_type: str, headers: dict[str, str] | None = None) -> Route:
    async def endpoint(_request: Request) -> Response:
        return Response(body, media_type=media_type, headers=_HEADERS | (headers or {}))

    return Route(path, endpoint)


def _check_content_type(header: str | None) -> None:
    """Only JSON may be posted; a browser cannot send it to another site without being let to."""
    if (header or "").partition(";")[0].strip().lower() != _JSON:
        raise ClientError(f"Bad Request. Content-Type must be '{_JSON}'.")


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type=_JSON, headers=_HEADERS)


async def _gone(_request: Request, _problem: Exception) -> Response:
    """The client left before its request was complete; nobody reads this answer."""
    return Response(status_code=499)
