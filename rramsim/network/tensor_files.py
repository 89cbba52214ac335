"""Arrays and a record of them in one safetensors file (never pickle), written whole or not at all.

The record is JSON text under the key ``rramsim`` of the file's metadata.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import InputError
from rramsim.files import write_atomically

Arrays = dict[str, NDArray[Any]]


def write_arrays(path: Path, arrays: Arrays, *, kind: str, record: Mapping[str, Any]) -> None:
    """Write `arrays` and their `record`; `kind` says what the file is."""
    from safetensors.numpy import save_file

    whole = {
        name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()
    }
    text = json.dumps({"kind": kind, **record}, sort_keys=True)
    write_atomically(
        path, lambda temporary: save_file(whole, temporary, metadata={"rramsim": text})
    )


def read_arrays(path: Path, *, kind: str) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays and the record of a file that `write_arrays` wrote.

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, or is not of this `kind`.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    try:
        with safe_open(path, framework="np") as opened:
            text = (opened.metadata() or {}).get("rramsim")
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: this is not a whole safetensors file ({error}); it may be cut off or of "
            "another kind."
        ) from error
    try:
        record = json.loads(text or "")
        stored = record.pop("kind")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: a safetensors file, but not one of rramsim's (its metadata lack the record)."
        ) from error
    if stored != kind:
        raise InputError(f"{path}: holds a {stored} of rramsim, expected a {kind}.")
    return arrays, record
