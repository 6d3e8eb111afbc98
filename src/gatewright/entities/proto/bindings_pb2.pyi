from gatewright.entities.proto import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GatewayEndpointBinding(_message.Message):
    __slots__ = ("endpoint_id", "resource_type", "resource_id", "created_at", "last_updated_at", "created_by", "last_updated_by", "display_name")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    resource_type: str
    resource_id: str
    created_at: int
    last_updated_at: int
    created_by: str
    last_updated_by: str
    display_name: str
    def __init__(self, endpoint_id: _Optional[str] = ..., resource_type: _Optional[str] = ..., resource_id: _Optional[str] = ..., created_at: _Optional[int] = ..., last_updated_at: _Optional[int] = ..., created_by: _Optional[str] = ..., last_updated_by: _Optional[str] = ..., display_name: _Optional[str] = ...) -> None: ...

class CreateGatewayEndpointBinding(_message.Message):
    __slots__ = ("endpoint_id", "resource_type", "resource_id", "created_by")
    class Response(_message.Message):
        __slots__ = ("binding",)
        BINDING_FIELD_NUMBER: _ClassVar[int]
        binding: GatewayEndpointBinding
        def __init__(self, binding: _Optional[_Union[GatewayEndpointBinding, _Mapping]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    resource_type: str
    resource_id: str
    created_by: str
    def __init__(self, endpoint_id: _Optional[str] = ..., resource_type: _Optional[str] = ..., resource_id: _Optional[str] = ..., created_by: _Optional[str] = ...) -> None: ...

class DeleteGatewayEndpointBinding(_message.Message):
    __slots__ = ("endpoint_id", "resource_type", "resource_id")
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    resource_type: str
    resource_id: str
    def __init__(self, endpoint_id: _Optional[str] = ..., resource_type: _Optional[str] = ..., resource_id: _Optional[str] = ...) -> None: ...

class ListGatewayEndpointBindings(_message.Message):
    __slots__ = ("endpoint_id", "resource_type", "resource_id")
    class Response(_message.Message):
        __slots__ = ("bindings",)
        BINDINGS_FIELD_NUMBER: _ClassVar[int]
        bindings: _containers.RepeatedCompositeFieldContainer[GatewayEndpointBinding]
        def __init__(self, bindings: _Optional[_Iterable[_Union[GatewayEndpointBinding, _Mapping]]] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    resource_type: str
    resource_id: str
    def __init__(self, endpoint_id: _Optional[str] = ..., resource_type: _Optional[str] = ..., resource_id: _Optional[str] = ...) -> None: ...
