from gatewright.entities.proto import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BudgetDurationUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DURATION_UNIT_UNSPECIFIED: _ClassVar[BudgetDurationUnit]
    MINUTES: _ClassVar[BudgetDurationUnit]
    HOURS: _ClassVar[BudgetDurationUnit]
    DAYS: _ClassVar[BudgetDurationUnit]
    WEEKS: _ClassVar[BudgetDurationUnit]
    MONTHS: _ClassVar[BudgetDurationUnit]

class BudgetTargetScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TARGET_SCOPE_UNSPECIFIED: _ClassVar[BudgetTargetScope]
    GLOBAL: _ClassVar[BudgetTargetScope]
    WORKSPACE: _ClassVar[BudgetTargetScope]
    ENDPOINT: _ClassVar[BudgetTargetScope]
    USER: _ClassVar[BudgetTargetScope]

class BudgetAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUDGET_ACTION_UNSPECIFIED: _ClassVar[BudgetAction]
    ALERT: _ClassVar[BudgetAction]
    REJECT: _ClassVar[BudgetAction]

class BudgetUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BUDGET_UNIT_UNSPECIFIED: _ClassVar[BudgetUnit]
    USD: _ClassVar[BudgetUnit]
DURATION_UNIT_UNSPECIFIED: BudgetDurationUnit
MINUTES: BudgetDurationUnit
HOURS: BudgetDurationUnit
DAYS: BudgetDurationUnit
WEEKS: BudgetDurationUnit
MONTHS: BudgetDurationUnit
TARGET_SCOPE_UNSPECIFIED: BudgetTargetScope
GLOBAL: BudgetTargetScope
WORKSPACE: BudgetTargetScope
ENDPOINT: BudgetTargetScope
USER: BudgetTargetScope
BUDGET_ACTION_UNSPECIFIED: BudgetAction
ALERT: BudgetAction
REJECT: BudgetAction
BUDGET_UNIT_UNSPECIFIED: BudgetUnit
USD: BudgetUnit

class BudgetDuration(_message.Message):
    __slots__ = ("unit", "value")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    unit: BudgetDurationUnit
    value: int
    def __init__(self, unit: _Optional[_Union[BudgetDurationUnit, str]] = ..., value: _Optional[int] = ...) -> None: ...

class GatewayBudgetPolicy(_message.Message):
    __slots__ = ("budget_policy_id", "budget_unit", "budget_amount", "duration", "target_scope", "budget_action", "created_by", "created_at", "last_updated_by", "last_updated_at", "target_value")
    BUDGET_POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    BUDGET_UNIT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_SCOPE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_ACTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    TARGET_VALUE_FIELD_NUMBER: _ClassVar[int]
    budget_policy_id: str
    budget_unit: BudgetUnit
    budget_amount: float
    duration: BudgetDuration
    target_scope: BudgetTargetScope
    budget_action: BudgetAction
    created_by: str
    created_at: int
    last_updated_by: str
    last_updated_at: int
    target_value: str
    def __init__(self, budget_policy_id: _Optional[str] = ..., budget_unit: _Optional[_Union[BudgetUnit, str]] = ..., budget_amount: _Optional[float] = ..., duration: _Optional[_Union[BudgetDuration, _Mapping]] = ..., target_scope: _Optional[_Union[BudgetTargetScope, str]] = ..., budget_action: _Optional[_Union[BudgetAction, str]] = ..., created_by: _Optional[str] = ..., created_at: _Optional[int] = ..., last_updated_by: _Optional[str] = ..., last_updated_at: _Optional[int] = ..., target_value: _Optional[str] = ...) -> None: ...

class CreateGatewayBudgetPolicy(_message.Message):
    __slots__ = ("budget_unit", "budget_amount", "duration", "target_scope", "budget_action", "created_by", "target_value")
    class Response(_message.Message):
        __slots__ = ("budget_policy",)
        BUDGET_POLICY_FIELD_NUMBER: _ClassVar[int]
        budget_policy: GatewayBudgetPolicy
        def __init__(self, budget_policy: _Optional[_Union[GatewayBudgetPolicy, _Mapping]] = ...) -> None: ...
    BUDGET_UNIT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_SCOPE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_ACTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    TARGET_VALUE_FIELD_NUMBER: _ClassVar[int]
    budget_unit: BudgetUnit
    budget_amount: float
    duration: BudgetDuration
    target_scope: BudgetTargetScope
    budget_action: BudgetAction
    created_by: str
    target_value: str
    def __init__(self, budget_unit: _Optional[_Union[BudgetUnit, str]] = ..., budget_amount: _Optional[float] = ..., duration: _Optional[_Union[BudgetDuration, _Mapping]] = ..., target_scope: _Optional[_Union[BudgetTargetScope, str]] = ..., budget_action: _Optional[_Union[BudgetAction, str]] = ..., created_by: _Optional[str] = ..., target_value: _Optional[str] = ...) -> None: ...

class GetGatewayBudgetPolicy(_message.Message):
    __slots__ = ("budget_policy_id",)
    class Response(_message.Message):
        __slots__ = ("budget_policy",)
        BUDGET_POLICY_FIELD_NUMBER: _ClassVar[int]
        budget_policy: GatewayBudgetPolicy
        def __init__(self, budget_policy: _Optional[_Union[GatewayBudgetPolicy, _Mapping]] = ...) -> None: ...
    BUDGET_POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    budget_policy_id: str
    def __init__(self, budget_policy_id: _Optional[str] = ...) -> None: ...

class UpdateGatewayBudgetPolicy(_message.Message):
    __slots__ = ("budget_policy_id", "budget_unit", "budget_amount", "duration", "target_scope", "budget_action", "updated_by", "target_value")
    class Response(_message.Message):
        __slots__ = ("budget_policy",)
        BUDGET_POLICY_FIELD_NUMBER: _ClassVar[int]
        budget_policy: GatewayBudgetPolicy
        def __init__(self, budget_policy: _Optional[_Union[GatewayBudgetPolicy, _Mapping]] = ...) -> None: ...
    BUDGET_POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    BUDGET_UNIT_FIELD_NUMBER: _ClassVar[int]
    BUDGET_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    TARGET_SCOPE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_ACTION_FIELD_NUMBER: _ClassVar[int]
    UPDATED_BY_FIELD_NUMBER: _ClassVar[int]
    TARGET_VALUE_FIELD_NUMBER: _ClassVar[int]
    budget_policy_id: str
    budget_unit: BudgetUnit
    budget_amount: float
    duration: BudgetDuration
    target_scope: BudgetTargetScope
    budget_action: BudgetAction
    updated_by: str
    target_value: str
    def __init__(self, budget_policy_id: _Optional[str] = ..., budget_unit: _Optional[_Union[BudgetUnit, str]] = ..., budget_amount: _Optional[float] = ..., duration: _Optional[_Union[BudgetDuration, _Mapping]] = ..., target_scope: _Optional[_Union[BudgetTargetScope, str]] = ..., budget_action: _Optional[_Union[BudgetAction, str]] = ..., updated_by: _Optional[str] = ..., target_value: _Optional[str] = ...) -> None: ...

class DeleteGatewayBudgetPolicy(_message.Message):
    __slots__ = ("budget_policy_id",)
    class Response(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    BUDGET_POLICY_ID_FIELD_NUMBER: _ClassVar[int]
    budget_policy_id: str
    def __init__(self, budget_policy_id: _Optional[str] = ...) -> None: ...

class ListGatewayBudgetPolicies(_message.Message):
    __slots__ = ("max_results", "page_token")
    class Response(_message.Message):
        __slots__ = ("budget_policies", "next_page_token")
        BUDGET_POLICIES_FIELD_NUMBER: _ClassVar[int]
        NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
        budget_policies: _containers.RepeatedCompositeFieldContainer[GatewayBudgetPolicy]
        next_page_token: str
        def __init__(self, budget_policies: _Optional[_Iterable[_Union[GatewayBudgetPolicy, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
    MAX_RESULTS_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    max_results: int
    page_token: str
    def __init__(self, max_results: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGatewayBudgetWindows(_message.Message):
    __slots__ = ()
    class BudgetWindow(_message.Message):
        __slots__ = ("budget_policy_id", "window_start_ms", "window_end_ms", "current_spend")
        BUDGET_POLICY_ID_FIELD_NUMBER: _ClassVar[int]
        WINDOW_START_MS_FIELD_NUMBER: _ClassVar[int]
        WINDOW_END_MS_FIELD_NUMBER: _ClassVar[int]
        CURRENT_SPEND_FIELD_NUMBER: _ClassVar[int]
        budget_policy_id: str
        window_start_ms: int
        window_end_ms: int
        current_spend: float
        def __init__(self, budget_policy_id: _Optional[str] = ..., window_start_ms: _Optional[int] = ..., window_end_ms: _Optional[int] = ..., current_spend: _Optional[float] = ...) -> None: ...
    class Response(_message.Message):
        __slots__ = ("windows",)
        WINDOWS_FIELD_NUMBER: _ClassVar[int]
        windows: _containers.RepeatedCompositeFieldContainer[ListGatewayBudgetWindows.BudgetWindow]
        def __init__(self, windows: _Optional[_Iterable[_Union[ListGatewayBudgetWindows.BudgetWindow, _Mapping]]] = ...) -> None: ...
    def __init__(self) -> None: ...
