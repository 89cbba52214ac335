"""Arrays and a record of them in one safetensors file (never pickle), written whole or not at all.

The record is JSON text under the key ``rramsim`` of the file's metadata. Its first entry,
``sha256``, is a checksum of the rest of it and of every array. (Of several keys of metadata the
order, and so the bytes of the file, would be by chance.)
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rramsim.errors import DamagedError, InputError
from rramsim.files import check_regular, write_atomically
from rramsim.schema import did_you_mean_file

Arrays = dict[str, NDArray[Any]]


def write_arrays(path: Path, arrays: Arrays, *, kind: str, record: Mapping[str, Any]) -> None:
    """Write `arrays` and their `record`; `kind` says what the file is."""
    from safetensors.numpy import save_file

    whole = {
        name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()
    }
    text = json.dumps({"kind": kind, **record}, sort_keys=True)
    sealed = f'{{"sha256": "{digest_of(whole, text)}", {text[1:]}'
    write_atomically(
        path, lambda temporary: save_file(whole, temporary, metadata={"rramsim": sealed})
    )


_SEALED = re.compile(r'\{"sha256": "([0-9a-f]{64})", (.*)', re.DOTALL)
_LIKE_SEALED = re.compile(r"[0-9a-f]{32}")
_HEAD = 90


def _unsealed(text: str, arrays: Arrays) -> str:
    """Return a record without its checksum; ValueError where that is of another content."""
    found = _SEALED.fullmatch(text)
    if found is None:
        if _LIKE_SEALED.search(text[:_HEAD]):
            raise ValueError("another SHA-256")
        return text
    rest = f"{{{found[2]}"
    if found[1] != digest_of(arrays, rest):
        raise ValueError("another SHA-256")
    return rest


def digest_of(arrays: Arrays, text: str) -> str:
    """Return the SHA-256, in hexadecimal, of a text and of arrays with their names and forms."""
    digest = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name} {little.shape} {little.dtype.str}\n".encode())
        digest.update(np.ascontiguousarray(little).tobytes())
    return digest.hexdigest()


def read_arrays(path: Path, *, kind: str) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays and the record of a file that `write_arrays` wrote.

    Files of versions that wrote no checksum are read without.

    Raises
    ------
    DamagedError
        If the file is damaged.
    InputError
        If it cannot be read, or is not of this `kind`.
    """
    from safetensors import SafetensorError, safe_open

    check_regular(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file.{did_you_mean_file(path)}")
    try:
        with safe_open(path, framework="np") as opened:
            sealed = (opened.metadata() or {}).get("rramsim", "")
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        raise DamagedError(
            f"{path}: this is not a whole safetensors file ({error}); it may be cut off or of "
            "another kind."
        ) from error
    try:
        text = _unsealed(sealed, arrays)
    except ValueError as error:
        raise DamagedError(
            f"{path}: this file was damaged or changed after rramsim wrote it ({error})."
        ) from error
    try:
        record = json.loads(text)
        stored = record.pop("kind")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(
            f"{path}: a safetensors file, but not one of rramsim's (its metadata lack the record)."
        ) from error
    if stored != kind:
        raise InputError(f"{path}: holds a {stored} of rramsim, expected a {kind}.")
    return arrays, record
