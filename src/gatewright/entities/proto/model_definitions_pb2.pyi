from gatewright.entities.proto import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GatewayModelDefinition(_message.Message):
    __slots__ = ("model_definition_id", "name", "secret_id", "secret_name", "provider", "model_name", "created_at", "last_updated_at", "created_by", "last_updated_by")
    MODEL_DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_NAME_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    model_definition_id: str
    name: str
    secret_id: str
    secret_name: str
    provider: str
    model_name: str
    created_at: int
    last_updated_at: int
    created_by: str
    last_updated_by: str
    def __init__(self, model_definition_id: _Optional[str] = ..., name: _Optional[str] = ..., secret_id: _Optional[str] = ..., secret_name: _Optional[str] = ..., provider: _Optional[str] = ..., model_name: _Optional[str] = ..., created_at: _Optional[int] = ..., last_updated_at: _Optional[int] = ..., created_by: _Optional[str] = ..., last_updated_by: _Optional[str] = ...) -> None: ...

class CreateGatewayModelDefinition(_message.Message):
    __slots__ = ("name", "secret_id", "provider", "model_name", "created_by")
    class Response(_message.Message):
        __slots__ = ("model_definition",)
        MODEL_DEFINITION_FIELD_NUMBER: _ClassVar[int]
        model_definition: GatewayModelDefinition
        def __init__(self, model_definition: _Optional[_Union[GatewayModelDefinition, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    name: str
    secret_id: str
    provider: str
    model_name: str
    created_by: str
    def __init__(self, name: _Optional[str] = ..., secret_id: _Optional[str] = ..., provider: _Optional[str] = ..., model_name: _Optional[str] = ..., created_by: _Optional[str] = ...) -> None: ...

class GetGatewayModelDefinition(_message.Message):
    __slots__ = ("model_definition_id",)
    class Response(_message.Message):
        __slots__ = ("model_definition",)
        MODEL_DEFINITION_FIELD_NUMBER: _ClassVar[int]
        model_definition: GatewayModelDefinition
        def __init__(self, model_definition: _Optional[_Union[GatewayModelDefinition, _Mapping]] = ...) -> None: ...
    MODEL_DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    model_definition_id: str
    def __init__(self, model_definition_id: _Optional[str] = ...) -> None: ...

class ListGatewayModelDefinitions(_message.Message):
    __slots__ = ("provider", "secret_id")
    class Response(_message.Message):
        __slots__ = ("model_definitions",)
        MODEL_DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
        model_definitions: _containers.RepeatedCompositeFieldContainer[GatewayModelDefinition]
        def __init__(self, model_definitions: _Optional[_Iterable[_Union[GatewayModelDefinition, _Mapping]]] = ...) -> None: ...
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    provider: str
    secret_id: str
    def __init__(self, provider: _Optional[str] = ..., secret_id: _Optional[str] = ...) -> None: ...

class UpdateGatewayModelDefinition(_message.Message):
    __slots__ = ("model_definition_id", "name", "secret_id", "model_name", "updated_by", "provider")
    class Response(_message.Message):
        __slots__ = ("model_definition",)
        MODEL_DEFINITION_FIELD_NUMBER: _ClassVar[int]
        model_definition: GatewayModelDefinition
        def __init__(self, model_definition: _Optional[_Union[GatewayModelDefinition, _Mapping]] = ...) -> None: ...
    MODEL_DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    model_definition_id: str
    name: str
    secret_id: str
    model_name: str
    updated_by: str
    provider: str
    def __init__(self, model_definition_id: _Optional[str] = ..., name: _Optional[str] = ..., secret_id: _Optional[str] = ..., model_name: _Optional[str] = ..., updated_by: _Optional[str] = ..., provider: _Optional[str] = ...) -> None: ...

class DeleteGatewayModelDefinition(_message.Message):
    __slots__ = ("model_definition_id",)
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    MODEL_DEFINITION_ID_FIELD_NUMBER: _ClassVar[int]
    model_definition_id: str
    def __init__(self, model_definition_id: _Optional[str] = ...) -> None: ...
