"""A TOML file as a frozen table: every key is known, every value is of its kind, or one line says what is wanted."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from dlim import store
from dlim.errors import ConfigError, shown
from dlim.names import near, nearest


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a TOML file: its keys are the fields, and no others."""


T = TypeVar("T", bound=Table)

LONG = 60
"""Characters of a value in a line."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def read(path: Path, table: type[T]) -> T:
    """A TOML file as a table. Raises ConfigError with the file, the key, what it says and what it may say."""
    return converted(path, parsed(path), table)


def parsed(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises ConfigError where it can't be read."""
    try:
        return tomllib.loads(store.read_small(path).decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(path, f"can't be read ({error.strerror})", "make it a file that you may read") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(path, f"is no TOML: {error}", "mend it at that place") from error


def converted(path: Path, data: Mapping[str, Any], table: type[T], where: str = "") -> T:
    """A table of a file, from what that says there. where: its own key in the file. Raises ConfigError as `read`."""
    _check_keys(path, data, table, where)
    try:
        return msgspec.convert(data, table)
    except msgspec.ValidationError as error:
        raise _fault(path, where, table, data) from error


def _check_keys(path: Path, data: Mapping[str, Any], table: type[Table], where: str) -> None:
    """Refuse an unknown key with the nearest right one: msgspec only says that it is unknown."""
    fields = {field.name: _bare(field.type) for field in msgspec.structs.fields(table)}
    for key, value in data.items():
        if key not in fields:
            raise ConfigError(path, f"{_key(where, key)}: is no key here", nearest(key, fields))
        if _is_table(fields[key]) and isinstance(value, dict):
            _check_keys(path, value, fields[key], _key(where, key))


def _fault(path: Path, where: str, kind: Any, value: Any) -> ConfigError:
    """What is wrong with a value that isn't of its kind, at the first part of it that isn't."""
    for key, part_kind, part in _parts(where, kind, value):
        if not _fits(part_kind, part):
            return _fault(path, key, part_kind, part)
    if _is_table(kind) and isinstance(value, dict):
        field = next(field for field in msgspec.structs.fields(kind) if field.required and field.name not in value)
        wanted = _wanted(inspect.type_info(field.type), None, where)
        return ConfigError(path, f"{_key(where, field.name)}: is missing", f"say {field.name} = {wanted}")
    wanted = _wanted(inspect.type_info(kind), value, where)
    remedy = f"{'write' if wanted.startswith('a ') else 'say'} {wanted}"
    words = _words(inspect.type_info(kind))
    if not (isinstance(value, str) and words):
        return ConfigError(path, f"{where}: is {_shown(value)}", remedy)
    best = near(value, words)
    remedy = remedy if best is None else f'did you mean "{best}"?'
    return ConfigError(path, f"{where}: {_shown(value)} is unknown", remedy)


def _parts(where: str, kind: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """The parts of a table or a list, each with its key and the kind that it should have."""
    if _is_table(kind) and isinstance(value, dict):
        for field in msgspec.structs.fields(kind):
            if field.name in value:
                yield _key(where, field.name), _bare(field.type), value[field.name]
    elif get_origin(kind) is dict and isinstance(value, dict):
        for key, part in value.items():
            yield _key(where, key), get_args(kind)[1], part
    elif get_origin(kind) is tuple and get_args(kind)[-1] is ... and isinstance(value, list):
        for number, part in enumerate(value):
            yield f"{where}[{number}]", get_args(kind)[0], part


def _bare(kind: Any) -> Any:
    """A kind without the None that stands for a key that isn't there."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else ()
    others = [each for each in kinds if each is not NoneType]
    return others[0] if len(others) == 1 else kind


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Table)


def _fits(kind: Any, value: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _key(where: str, key: str) -> str:
    """A key as it could be written in the file."""
    own = key if _BARE.fullmatch(key) else _shown(key)
    return f"{where}.{own}" if where else own


def _words(kind: inspect.Type) -> list[str]:
    """The words that a value may be."""
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return [str(word) for each in kinds if isinstance(each, inspect.LiteralType) for word in each.values]


def _wanted(kind: inspect.Type, value: Any, where: str) -> str:
    """What should stand in a value's place."""
    match kind:
        case inspect.UnionType(types=kinds):
            return ", or ".join(_wanted(each, value, where) for each in kinds if not isinstance(each, inspect.NoneType))
        case inspect.LiteralType():
            return " or ".join(f'"{word}"' for word in _words(kind))
        case inspect.BoolType():
            return f"true or false{_unquoted(value)}"
        case inspect.IntType() | inspect.FloatType():
            return _number(kind, value)
        case inspect.StrType():
            return "a text in quotes" + (f', such as "{_plain(value)}"' if _plain(value) else "")
        case inspect.VarTupleType():
            return "a list" + (f', such as ["{_plain(value)}"]' if _plain(value) else "")
        case inspect.TupleType(item_types=(inspect.IntType() | inspect.FloatType() as side, *_)):
            example = "[400, 400]" if (side.le or 0) > 1000 else "[1, 2]"
            return f"{example} (each {_range(side) or 'a number'})"
        case _:
            return f"a table, [{where}]"


def _number(kind: inspect.IntType | inspect.FloatType, value: Any) -> str:
    limits = _range(kind)
    if _fits(int if isinstance(kind, inspect.IntType) else float, value):
        return limits
    what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    return what + (f", {limits}" if limits else "") + _unquoted(value)


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.gt is not None:
        return f"more than {kind.gt:g}"
    if kind.ge is None:
        return ""
    return f"{kind.ge:g} or more" if kind.le is None else f"{kind.ge:g} to {kind.le:g}"


def _unquoted(value: Any) -> str:
    return ", without quotes" if isinstance(value, str) else ""


def _plain(value: Any) -> str:
    """A value that is no table and no list, as text; else, and where it is long, nothing."""
    text = "" if value is None or isinstance(value, (dict, list)) else _shown(value).strip('"')
    return text if len(text) < LONG else ""


def _shown(value: Any) -> str:
    """A value as the file could say it, as far as it goes into a line."""
    match value:
        case dict():
            return "a table"
        case list():
            tables = any(isinstance(part, dict) for part in value)
            text = "a list of tables" if tables else f"[{', '.join(map(_shown, value))}]"
        case str() | bool():
            text = shown(json.dumps(value, ensure_ascii=False))
        case int() if value.bit_length() > LONG:
            text = hex(value)  # which Python writes at any length
        case _:
            text = str(value)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."
