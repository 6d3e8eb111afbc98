"""The management API's calls, read from the service descriptor: the one place where routes come from."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gatewright.entities.proto import options_pb2, service_pb2

PREFIXES = ("/api/3.0", "/ajax-api/3.0")
"""Every call is served under each of these; MLflow's clients use the first, its web pages the second."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the service.

    Attributes:
        name: the RPC's name, e.g. `createGatewaySecret`.
        method: HTTP method.
        path: path without a prefix.
        summary: one sentence for the API reference.
        request: class of the request message.
        response: class of the response message.
    """

    name: str
    method: str
    path: str
    summary: str
    request: type[Message]
    response: type[Message]

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"


def _call(method: MethodDescriptor) -> Call:
    # The generated stubs type an extension as a plain descriptor, which is no key to the stubs of protobuf itself.
    options: Any = method.GetOptions()
    route = options.Extensions[options_pb2.route]
    return Call(
        name=method.name,
        method=route.method,
        path=route.path,
        summary=options.Extensions[options_pb2.summary],
        request=GetMessageClass(method.input_type),
        response=GetMessageClass(method.output_type),
    )


CALLS = tuple(_call(method) for method in service_pb2.DESCRIPTOR.services_by_name["GatewayService"].methods)
"""All calls, in the order of the service."""


def rules(field: FieldDescriptor) -> options_pb2.Rules:
    """What the proto says a field of a request may hold."""
    options: Any = field.GetOptions()
    found: options_pb2.Rules = options.Extensions[options_pb2.rules]
    return found
