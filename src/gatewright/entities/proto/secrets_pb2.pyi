from gatewright.entities.proto import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GatewaySecretInfo(_message.Message):
    __slots__ = ("secret_id", "secret_name", "masked_values", "created_at", "last_updated_at", "provider", "created_by", "last_updated_by", "auth_config")
    class MaskedValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class AuthConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_NAME_FIELD_NUMBER: _ClassVar[int]
    MASKED_VALUES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    AUTH_CONFIG_FIELD_NUMBER: _ClassVar[int]
    secret_id: str
    secret_name: str
    masked_values: _containers.ScalarMap[str, str]
    created_at: int
    last_updated_at: int
    provider: str
    created_by: str
    last_updated_by: str
    auth_config: _containers.ScalarMap[str, str]
    def __init__(self, secret_id: _Optional[str] = ..., secret_name: _Optional[str] = ..., masked_values: _Optional[_Mapping[str, str]] = ..., created_at: _Optional[int] = ..., last_updated_at: _Optional[int] = ..., provider: _Optional[str] = ..., created_by: _Optional[str] = ..., last_updated_by: _Optional[str] = ..., auth_config: _Optional[_Mapping[str, str]] = ...) -> None: ...

class CreateGatewaySecret(_message.Message):
    __slots__ = ("secret_name", "secret_value", "provider", "auth_config", "created_by")
    class SecretValueEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class AuthConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class Response(_message.Message):
        __slots__ = ("secret",)
        SECRET_FIELD_NUMBER: _ClassVar[int]
        secret: GatewaySecretInfo
        def __init__(self, secret: _Optional[_Union[GatewaySecretInfo, _Mapping]] = ...) -> None: ...
    SECRET_NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_VALUE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    AUTH_CONFIG_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    secret_name: str
    secret_value: _containers.ScalarMap[str, str]
    provider: str
    auth_config: _containers.ScalarMap[str, str]
    created_by: str
    def __init__(self, secret_name: _Optional[str] = ..., secret_value: _Optional[_Mapping[str, str]] = ..., provider: _Optional[str] = ..., auth_config: _Optional[_Mapping[str, str]] = ..., created_by: _Optional[str] = ...) -> None: ...

class GetGatewaySecretInfo(_message.Message):
    __slots__ = ("secret_id", "secret_name")
    class Response(_message.Message):
        __slots__ = ("secret",)
        SECRET_FIELD_NUMBER: _ClassVar[int]
        secret: GatewaySecretInfo
        def __init__(self, secret: _Optional[_Union[GatewaySecretInfo, _Mapping]] = ...) -> None: ...
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_NAME_FIELD_NUMBER: _ClassVar[int]
    secret_id: str
    secret_name: str
    def __init__(self, secret_id: _Optional[str] = ..., secret_name: _Optional[str] = ...) -> None: ...

class UpdateGatewaySecret(_message.Message):
    __slots__ = ("secret_id", "secret_value", "auth_config", "updated_by")
    class SecretValueEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class AuthConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class Response(_message.Message):
        __slots__ = ("secret",)
        SECRET_FIELD_NUMBER: _ClassVar[int]
        secret: GatewaySecretInfo
        def __init__(self, secret: _Optional[_Union[GatewaySecretInfo, _Mapping]] = ...) -> None: ...
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_VALUE_FIELD_NUMBER: _ClassVar[int]
    AUTH_CONFIG_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    secret_id: str
    secret_value: _containers.ScalarMap[str, str]
    auth_config: _containers.ScalarMap[str, str]
    updated_by: str
    def __init__(self, secret_id: _Optional[str] = ..., secret_value: _Optional[_Mapping[str, str]] = ..., auth_config: _Optional[_Mapping[str, str]] = ..., updated_by: _Optional[str] = ...) -> None: ...

class DeleteGatewaySecret(_message.Message):
    __slots__ = ("secret_id",)
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    secret_id: str
    def __init__(self, secret_id: _Optional[str] = ...) -> None: ...

class ListGatewaySecretInfos(_message.Message):
    __slots__ = ("provider",)
    class Response(_message.Message):
        __slots__ = ("secrets",)
        SECRETS_FIELD_NUMBER: _ClassVar[int]
        secrets: _containers.RepeatedCompositeFieldContainer[GatewaySecretInfo]
        def __init__(self, secrets: _Optional[_Iterable[_Union[GatewaySecretInfo, _Mapping]]] = ...) -> None: ...
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    provider: str
    def __init__(self, provider: _Optional[str] = ...) -> None: ...

class GetSecretsConfig(_message.Message):
    __slots__ = ()
    class Response(_message.Message):
        __slots__ = ("secrets_available",)
        SECRETS_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
        secrets_available: bool
        def __init__(self, secrets_available: _Optional[bool] = ...) -> None: ...
    def __init__(self) -> None: ...
