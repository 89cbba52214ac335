"""In which encoding the bytes of a text are written."""

from __future__ import annotations

import functools
import re

from rramsim.errors import InputError
from rramsim.files import marked_encoding
from rramsim.notes import Note
from rramsim.readers.table import NoReadingsError
from rramsim.schema import DATASETS, header_key, state_named
from rramsim.schema.file_columns import file_headers
from rramsim.units import QUANTITIES, factor_to_si

_NAMES = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "gb18030": "GB18030 (GBK)",
    "cp932": "Shift-JIS",
    "big5": "Big5",
    "cp949": "EUC-KR",
    "euc_jp": "EUC-JP",
    "mac_roman": "Mac Roman",
    "cp437": "DOS 437",
    "cp850": "DOS 850",
}
_WESTERN = ("cp1252", "cp1250", "cp1251", "cp1253")
_HEAD_LINES = 40
_UNLIKELY = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff]")


def decoded(content: bytes, *, place: str, encoding: str | None) -> tuple[str, tuple[Note, ...]]:
    """Return the text of a file, and a note where its encoding is a guess.

    A text that is neither UTF-8 nor marked as UTF-16 is tried in the encodings of Windows, of East
    Asia, of DOS and the Mac: that in which headers, states and units are understood is taken.

    Parameters
    ----------
    content : bytes
    place : str
        The file as messages name it.
    encoding : str or None
        What the user says, which always holds.

    Raises
    ------
    InputError
        If the bytes are no text of that encoding, or of several that tell different texts.
    """
    if encoding is not None:
        return _in(content, encoding, place=place), ()
    marked = marked_encoding(content)
    if marked is None and b"\x00" in content[:200]:
        marked = _of_zeros(content[:200], place=place)
    if marked is not None:
        return _in(content, marked, place=place), ()
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise InputError(
                f"{place}: the last character is incomplete: the file is cut short."
            ) from error
    text, name = _guessed(content, place=place)
    note = f"read as {_NAMES[name]} text, not UTF-8; --encoding names another encoding."
    return text, (Note(note, kind="encoding", file=place, values={"encoding": name}),)


def _of_zeros(head: bytes, *, place: str) -> str:
    """Return the UTF-16 in which every second byte of Latin text is zero, of either order."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    few = len(head) // 8
    if odd > len(head) // 4 and even <= few:
        return "utf-16-le"
    if even > len(head) // 4 and odd <= few:
        return "utf-16-be"
    raise NoReadingsError(
        f"{place}: this is not text but a binary file of an unknown kind; export the table as CSV."
    )


def _in(content: bytes, encoding: str, *, place: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{place}: the text is not valid {encoding.upper()} (byte {error.start}); save it as "
            "UTF-8, or name its encoding with --encoding."
        ) from error


def _guessed(content: bytes, *, place: str) -> tuple[str, str]:
    texts: dict[str, str] = {}
    for name in _NAMES:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if not _UNLIKELY.search(text.rstrip("\x1a")):
            texts[name] = text
    scores = {name: _understood(text) for name, text in texts.items()}
    best = [name for name in texts if scores[name] == max(scores.values())]
    if not best:
        raise InputError(
            f"{place}: the text is not UTF-8, nor of another encoding that is tried; name it with "
            "--encoding, such as --encoding gbk."
        )
    # Words of one-byte alphabets have letters of ASCII between the others.
    alone = re.search(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", content) is not None
    is_plain = best[0] in _WESTERN and (alone or scores[best[0]] > 0)
    if is_plain or all(texts[name] == texts[best[0]] for name in best):
        return texts[best[0]], best[0]
    names = ", ".join(_NAMES[name] for name in best)
    raise InputError(
        f"{place}: the text is not UTF-8, and may be {names}; name its encoding with --encoding, "
        "such as --encoding gbk."
    )


def _understood(text: str) -> int:
    """Return how many words beyond ASCII in the first lines are headers, states or units."""
    words = {
        word
        for line in text.splitlines()[:_HEAD_LINES]
        for cell in re.split(r"[\t;,]", line)
        for word in (cell, *re.split(r"[\s()\[\]{}/\"]+", cell))
        if not word.isascii()
    }
    return sum(map(_is_known, words))


def _is_known(word: str) -> bool:
    if header_key(word) in _headers() or state_named(word) is not None:
        return True
    unit = word.strip().lstrip("0123456789.,+-<> ")
    return any(_is_unit(unit, quantity) for quantity in QUANTITIES)


def _is_unit(text: str, quantity: str) -> bool:
    try:
        factor_to_si(text, quantity)
    except InputError:
        return False
    return True


@functools.cache
def _headers() -> frozenset[str]:
    variables = DATASETS["readings"]
    known = {header_key(name) for variable in variables for name in variable.aliases}
    return frozenset(known | file_headers().keys())
