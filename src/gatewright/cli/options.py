"""Options that set Settings: type, default, variable and meaning are taken from the field itself."""

import functools
import inspect
import re
from collections.abc import Callable
from dataclasses import Field
from typing import Any, TypeVar

import click

from gatewright.settings import PREFIX, TAGS, Settings, settable

R = TypeVar("R")

STORE = ("data_dir", "database")
"""The settings of every command that opens the database."""

_FIELDS: dict[str, Field[Any]] = {one.name: one for one in settable()}
_MEANINGS = dict(re.findall(r"^ +(\w+): (.+)$", inspect.getdoc(Settings) or "", re.MULTILINE))


class _Setting(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """Reads a value as the variable of the same setting is read."""

    def __init__(self, setting: Field[Any]) -> None:
        self.name = "text" if setting.type is str else getattr(setting.type, "__name__", "text").lower()
        self._read = setting.metadata["read"]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._read(value)
        except ValueError as problem:
            self.fail(f"{value!r} cannot be used: {problem}.", param, ctx)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def settings_from(*names: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Give a command the options of these settings, and the Settings they make as its first argument."""

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(function)
        def command(**given: Any) -> R:
            chosen = {name: given.pop(name) for name in names}
            return function(Settings.load(**chosen), **given)

        wrapped: Callable[..., R] = command
        for name in reversed(names):
            wrapped = _option(name)(wrapped)
        return wrapped

    return decorate


def variables_beside(*names: str) -> str:
    """Text for a command's help: the settings that have a variable but no option there."""
    rows = [(variable(name), _MEANINGS.get(name, "")) for name in _FIELDS if name not in names]
    usual = [(variable(tag.variable), f"{tag.says} ({tag.values})".replace("`", "")) for tag in TAGS.values()]
    width = max(len(name) for name, _ in rows + usual)
    return "\n\n".join(
        f"\b\n{title}:\n" + "\n".join(f"  {name:{width}}  {meaning}" for name, meaning in lines)
        for title, lines in (("Set by the environment only", rows), ("For endpoints without a tag that says so", usual))
    )


def _option(name: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    setting = _FIELDS[name]
    meaning = _MEANINGS.get(name, "")
    default = "" if setting.default in ("", False) else f"; default: {setting.default}"
    shown = f"{meaning[:1].upper()}{meaning[1:]} [env: {variable(name)}{default}]"
    flag = f"--{name.replace('_', '-')}"
    if isinstance(setting.default, bool):
        return click.option(flag, name, is_flag=True, default=None, help=shown)
    return click.option(flag, name, type=_Setting(setting), default=None, help=shown)
