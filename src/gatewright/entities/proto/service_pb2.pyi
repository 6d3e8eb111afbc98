from gatewright.entities.proto import bindings_pb2 as _bindings_pb2
from gatewright.entities.proto import budgets_pb2 as _budgets_pb2
from gatewright.entities.proto import endpoints_pb2 as _endpoints_pb2
from gatewright.entities.proto import guardrails_pb2 as _guardrails_pb2
from gatewright.entities.proto import model_definitions_pb2 as _model_definitions_pb2
from gatewright.entities.proto import options_pb2 as _options_pb2
from gatewright.entities.proto import scorers_pb2 as _scorers_pb2
from gatewright.entities.proto import secrets_pb2 as _secrets_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor
