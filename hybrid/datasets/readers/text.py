"""Decode the text of a CSV file: UTF-8, UTF-16 or UTF-32 with or without a mark at its start, or Windows-1252."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8_CHARACTER = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
_LONG_RUN = re.compile(r"[^\x00-\x7f]{3}")
_SIGNS = frozenset("€‚„…‘’“”•–—™ ¡§©ª«°±²³´µ·º»¼½¾¿×")


def encoding_of(data: bytes) -> str | None:
    """Return the encoding of a text, or None if the data are not such a text.

    Parameters
    ----------
    data : bytes
        The whole text, or its first whole lines.

    Returns
    -------
    str or None
        "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32" or "cp1252".

    Examples
    --------
    >>> [encoding_of("caf\u00e9,1".encode(code)) for code in ("utf-8", "utf-16", "utf-16-be", "cp1252")]
    ['utf-8-sig', 'utf-16', 'utf-16-be', 'cp1252']
    """
    found = next((code for mark, code in _MARKS if data.startswith(mark)), None) or _without_mark(data)
    try:
        return found if "\0" not in data.decode(found) else None
    except UnicodeDecodeError:
        return "cp1252" if found == "utf-8-sig" and _is_western(data) else None


def _without_mark(data: bytes) -> str:
    """Return UTF-16 if every second byte of an ASCII header would be zero, otherwise UTF-8."""
    head = data[:64]
    if len(head) >= 4 and not any(head[1:8:2]) and all(head[0:8:2]):
        return "utf-16-le"
    if len(head) >= 4 and not any(head[0:8:2]) and all(head[1:8:2]):
        return "utf-16-be"
    return "utf-8-sig"


def _is_western(data: bytes) -> bool:
    """Return whether text that is not UTF-8 is plausible as Windows-1252, in which accented letters stand alone."""
    if _UTF8_CHARACTER.search(data):  # damaged UTF-8
        return False
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return False
    if any(char < " " and char not in "\t\r\n\f" for char in text) or _LONG_RUN.search(text):
        return False
    return all(char.isalpha() or char in _SIGNS for char in set(text) if not char.isascii())
