"""How notes and errors about a dataset name many things in few words."""

from collections.abc import Iterable


def first_few(names: Iterable[object], shown: int = 3) -> str:
    """Return the first names, quoted, and how many more there are.

    Examples
    --------
    >>> first_few(["a.jpg", "b.jpg", "c.jpg", "d.jpg"], shown=2)
    "'a.jpg', 'b.jpg' and 2 more"
    """
    listed = [str(name) for name in names]
    text = ", ".join(map(repr, listed[:shown]))
    return f"{text} and {len(listed) - shown} more" if len(listed) > shown else text


def number(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun in the right number.

    Examples
    --------
    >>> number(1, "image"), number(1341, "image"), number(2, "class", "classes")
    ('1 image', '1341 images', '2 classes')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"
