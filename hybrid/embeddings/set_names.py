"""Names of joined embedding sets."""

import hashlib
from collections.abc import Sequence
from itertools import takewhile

_MAX_NAME_LENGTH = 100  # of a name that is also used for a folder


def joined_name(names: Sequence[str]) -> str:
    """Return names joined by "+", with their common prefix only once.

    A name of more than 100 characters is shortened and ends in a hash, since it is also used for a folder.

    Examples
    --------
    >>> joined_name(["scenes-resnet50", "scenes-vgg16-fc1"])
    'scenes-resnet50+vgg16-fc1'
    """
    start, rest = without_shared_start(names)
    name = start + "+".join(rest)
    if len(name) <= _MAX_NAME_LENGTH:
        return name
    return f"{name[: _MAX_NAME_LENGTH - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def without_shared_start(names: Sequence[str]) -> tuple[str, list[str]]:
    """Return the common prefix of several names, which ends with a hyphen or is empty, and the rest of each name.

    Examples
    --------
    >>> without_shared_start(["scenes-resnet50", "scenes-vgg16-fc1"])
    ('scenes-', ['resnet50', 'vgg16-fc1'])
    """
    words = zip(*(name.split("-")[:-1] for name in names), strict=False)
    shared = takewhile(lambda word: len(set(word)) == 1, words) if len(names) > 1 else ()
    start = "".join(f"{word[0]}-" for word in shared)
    return start, [name.removeprefix(start) for name in names]
