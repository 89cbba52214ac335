"""Settings from a TOML file, with one clear message where they are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from rramsim.errors import ArgumentError, InputError, plain
from rramsim.files import read_toml

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass as _ModelMetaclass
    from pydantic_core import ErrorDetails
else:
    _ModelMetaclass = type(BaseModel)  # it has no public name

_PATHS = ("measurements", "conditions", "images", "models")


class _Refusing(_ModelMetaclass):
    """Makes settings whose constructor explains what it refuses, as `build` does."""

    def __call__(self, *values: Any, **fields: Any) -> Any:
        try:
            return super().__call__(*values, **fields)
        except ValidationError as error:
            assert issubclass(self, BaseModel)
            raise _explain(error, "the settings", self) from error


class Settings(BaseModel, metaclass=_Refusing):
    """Settings that cannot be changed, have no others and may hold NumPy's numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, fields: Any) -> Any:
        return plain(fields)


AnySettings = TypeVar("AnySettings", bound=Settings)


def make_settings(
    model: type[AnySettings], file: Path | None, overrides: dict[str, Any]
) -> AnySettings:
    """Build settings from a file and from what the command line sets over it.

    Parameters
    ----------
    model : type
        What to build.
    file : Path or None
        A TOML file with fields of `model`. Paths in it are relative to its folder.
    overrides : dict
        Fields that win over the file's; None leaves a field as it is.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or holds an unknown field or a bad value.
    """
    return build(model, merged({} if file is None else read_fields(file, model), overrides), file)


def build(model: type[AnySettings], fields: Mapping[str, Any], file: Path | None) -> AnySettings:
    """Build settings from fields; an `InputError` says which is wrong and what is accepted."""
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        place = "the settings" if file is None else str(file)
        raise _explain(error, place, model) from error


def merged(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with others over them, tables entry by entry; None leaves what is there.

    >>> merged({"seed": 1, "use": {"offset": 0.1}}, {"seed": None, "use": {"lrs_share": 0.4}})
    {'seed': 1, 'use': {'offset': 0.1, 'lrs_share': 0.4}}
    """
    both = dict(fields)
    for name, value in overrides.items():
        if isinstance(value, Mapping) and isinstance(both.get(name, {}), Mapping):
            both[name] = merged(both.get(name, {}), value)
        elif value is not None:
            both[name] = value
    return both


def read_fields(file: Path, model: type[BaseModel]) -> dict[str, Any]:
    """Return what a settings file says, with paths that are relative to its folder."""
    try:
        fields = read_toml(file)
    except InputError as error:
        if "measurements" not in model.model_fields or "not valid TOML" not in str(error):
            raise
        hint = "(A file of resistances is given with --measurements.)"
        raise InputError(f"{error} {hint}") from error
    return {name: _relative_to(file.parent, name, value) for name, value in fields.items()}


def _relative_to(folder: Path, name: str, value: Any) -> Any:
    """Make a path of the file relative to its folder; names of shipped data stay."""
    if isinstance(value, list) and name in ("measurements", "models", "errors"):
        return [_relative_to(folder, name, one) for one in value]
    if isinstance(value, dict):
        return {key: _relative_to(folder, key, one) for key, one in value.items()}
    if name in _PATHS and isinstance(value, str):
        beside = folder / value
        return str(beside) if beside.exists() else value
    return value


def _explain(error: ValidationError, place: str, model: type[BaseModel]) -> InputError:
    # Of a field that can be of several kinds, each kind was tried: the one that came deepest is
    # the one that was meant. A name that is mistyped explains one that is missing.
    problems = sorted(
        error.errors(), key=lambda one: (-len(one["loc"]), one["type"] != "extra_forbidden")
    )
    first = problems[0]
    field, table = _place_in(model, first["loc"])
    if first["type"] == "extra_forbidden":
        last = str(first["loc"][-1])
        return InputError(
            f"{place}: there is no setting {'.'.join([*field, last])!r}.{_meant(last, table)} "
            f"Accepted are {', '.join(sorted(table.model_fields))}."
        )
    if first["type"] == "missing":
        return InputError(f"{place}: {'.'.join(field[:-1])} lacks {field[-1]!r}.")
    name, cause = ".".join(field), first.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return ArgumentError(name, f": {cause}", place=f"{place}: ")
    limits = [_limit(one) for one in problems if _place_in(model, one["loc"])[0] == field]
    words = f" is {first['input']!r}; accepted: {' or '.join(limits)}."
    return ArgumentError(name, words, place=f"{place}: ")


def _meant(name: str, table: type[BaseModel]) -> str:
    from rramsim.schema import did_you_mean

    return did_you_mean(name, table.model_fields)


def _limit(error: ErrorDetails) -> str:
    """Return what a value should have been, in pydantic's own words but for its types."""
    kinds = {"tuple_type": "a list", "model_type": "a table", "dict_type": "a table"}
    kinds["bool_type"] = "true or false"
    if error["type"] == "string_type":
        # A number where a text belongs, such as a width, is shown as the text that it would be.
        value = error["input"]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return f'a text in quotes, "{value}"' if is_number else "a text"
    words = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return kinds.get(error["type"], words.removeprefix("String should "))


def _place_in(
    model: type[BaseModel], place: tuple[int | str, ...]
) -> tuple[list[str], type[BaseModel]]:
    """Return the names of a place in a file, and the table that its last part leads into.

    Where a field can be of several kinds, pydantic names the kind that it tried, too; this is
    left out, and so is what is no field.
    """
    names = []
    for part in place:
        if isinstance(part, int):
            names.append(str(part))
        elif part in model.model_fields:
            names.append(part)
            model = next(iter(_tables_in(model.model_fields[part].annotation)), model)
    return names, model


def _tables_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    inner = getattr(annotation, "__args__", ())
    return [table for kind in inner for table in _tables_in(kind)]
