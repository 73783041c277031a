"""One form for names, and lists and counts as words for messages and reports."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

NAME_WIDTH = 40  # characters of the longest name that tables, legends and pictures show in full
_WORDS = re.compile(r"[^-+/ ]*[-+/ ]?")


def one_form(text: str) -> str:
    """Return a name in the form in which names are compared: in Unicode's NFC, without white space around it.

    "é" may be written as one character (NFC) or as "e" and an accent (NFD, the form of names on macOS).

    Examples
    --------
    >>> one_form(" cafe\u0301") == one_form("caf\u00e9")
    True
    """
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


def short_names(names: Sequence[str], width: int = NAME_WIDTH) -> list[str]:
    """Return names of at most `width` characters for tables, legends and pictures; no two of them are alike.

    A name that fits is returned as it is. In a longer one, an ellipsis stands for the words that all long names share
    or, if it is still too long, for its middle.

    Parameters
    ----------
    names : sequence of str
        The names that are shown together. Equal names are shortened in the same way.
    width : int, default=40
        Maximum number of characters of a name.

    Examples
    --------
    >>> short_names(["svm-scenes_2024-resnet50-last", "svm-scenes_2024-vgg16-fc1", "network"], width=20)
    ['svm-…resnet50-last', 'svm-…vgg16-fc1', 'network']
    """
    distinct = list(dict.fromkeys(names))
    long = [name for name in distinct if len(name) > width]
    shared = set.intersection(*(set(_words(name)) for name in long)) if len(long) > 1 else set()
    short = {name: _short_name(name, [n for n in distinct if n != name], shared, width) for name in long}
    return [short.get(name, name) for name in names]


def _words(name: str) -> list[str]:
    """Return the words of a name, each with the hyphen, plus, slash or space behind it."""
    return [word for word in _WORDS.findall(name) if word]


def _short_name(name: str, others: Sequence[str], shared: set[str], width: int) -> str:
    """Return a name with an ellipsis. No other name has the same beginning and end."""
    words = _words(name)
    kept = "".join("…" if number and word in shared else word for number, word in enumerate(words))
    kept = re.sub("…+", "…", kept)
    start, _, end = kept.partition("…")
    cuts = sorted(range(width), key=lambda cut: abs(cut - width // 2))
    texts = [kept, *([f"{start}…{_last(end, width - 1 - len(start))}"] if end else [])]
    texts += [f"{name[:cut]}…{_last(name, width - 1 - cut)}" for cut in cuts]
    for text in texts:
        parts = re.compile(".*".join(map(re.escape, text.split("…"))), re.DOTALL)
        if len(text) <= width and not any(parts.fullmatch(other) for other in others):
            return text
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:6]
    return f"{name[: max(width - 7, 1)]}…{digest}"


def _last(text: str, letters: int) -> str:
    return text[max(len(text) - letters, 0) :]


def first_few(names: Iterable[object], shown: int = 3) -> str:
    """Return the first names in quotes, followed by the number of the others.

    Examples
    --------
    >>> first_few(["a.jpg", "b.jpg", "c.jpg", "d.jpg"], shown=2)
    "'a.jpg', 'b.jpg' and 2 more"
    """
    return and_more([repr(str(name)) for name in names], shown)


def skipped_note(names: Sequence[str]) -> str:
    """Return the sentence that says which images of a dataset were skipped.

    Examples
    --------
    >>> skipped_note(["a.png"])
    "1 image was skipped, because it could not be read: 'a.png'."
    >>> skipped_note(["a.png", "b.png"])
    "2 images were skipped, because they could not be read: 'a.png', 'b.png'."
    """
    were, they = ("was", "it") if len(names) == 1 else ("were", "they")
    return f"{number(len(names), 'image')} {were} skipped, because {they} could not be read: {first_few(names)}."


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
    return f"{count} {noun if count == 1 else plural or plural_of(noun)}"


def plural_of(noun: str) -> str:
    """Return the plural of a noun that is formed by rule.

    Examples
    --------
    >>> plural_of("patient"), plural_of("study"), plural_of("box")
    ('patients', 'studies', 'boxes')
    """
    if noun[-1:] == "y" and noun[-2:-1] not in ("", *"aeiou"):
        return f"{noun[:-1]}ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


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
