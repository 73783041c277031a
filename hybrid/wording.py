"""One form for names, and lists and counts as words for messages and reports."""

import unicodedata
from collections.abc import Iterable, Sequence


def one_form(text: str) -> str:
    """Return a name in the form in which names are compared: in Unicode's NFC, without white space around it.

    "é" may be written as one character (NFC) or as "e" and an accent (NFD, the form of names on macOS).

    Examples
    --------
    >>> one_form(" cafe\u0301") == one_form("caf\u00e9")
    True
    """
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def first_few(names: Iterable[object], shown: int = 3) -> str:
    """Return the first names in quotes, followed by the number of the others.

    Examples
    --------
    >>> first_few(["a.jpg", "b.jpg", "c.jpg", "d.jpg"], shown=2)
    "'a.jpg', 'b.jpg' and 2 more"
    """
    return and_more([repr(str(name)) for name in names], shown)


def and_more(texts: Sequence[str], shown: int) -> str:
    """Return the first texts, followed by the number of the others.

    Examples
    --------
    >>> and_more(["a", "b", "c", "d"], shown=2)
    'a, b and 2 more'
    """
    listed = ", ".join(texts[:shown])
    return f"{listed} and {len(texts) - shown} more" if len(texts) > shown else listed


def number(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun in the singular or plural.

    Examples
    --------
    >>> number(1, "image"), number(1341, "image"), number(2, "class", "classes")
    ('1 image', '1341 images', '2 classes')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def joined(texts: Sequence[str]) -> str:
    """Return texts separated by commas, with "and" before the last.

    Examples
    --------
    >>> joined(["a", "b", "c"]), joined(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join([*([", ".join(texts[:-1])] if len(texts) > 1 else []), *texts[-1:]])


class Footnotes:
    """Notes below a table, each with a number that its cells repeat. Equal notes have the same number.

    Examples
    --------
    >>> notes = Footnotes()
    >>> notes.mark("no image of the class"), notes.mark(""), notes.mark("no image of the class"), notes.mark("other")
    ('¹', '', '¹', '²')
    >>> notes.lines
    ['¹ no image of the class', '² other']
    """

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    def mark(self, note: str) -> str:
        """Return the number of a note; "" if the note is empty."""
        if note and note not in self._marks:
            digits = str(len(self._marks) + 1)
            self._marks[note] = digits.translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return self._marks.get(note, "")

    @property
    def lines(self) -> list[str]:
        """The notes, each after its number."""
        return [f"{mark} {note}" for note, mark in self._marks.items()]
