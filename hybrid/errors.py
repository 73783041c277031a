"""The one exception for what a user can mend, and the sentences that errors are made of."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST = 2000  # characters; what was given, a name in a stranger's file for example, may be of any length


class InputError(ValueError):
    """Bad input: the message says what was given, what was expected and what to do."""

    def __init__(self, message: str = ""):
        if len(message) > _MOST:
            message = f"{message[: _MOST // 2]} … {message[-_MOST // 4 :]}"
        super().__init__(message)


class MissingExtraError(InputError, ImportError):
    """An optional package is needed; the message holds the command that installs it."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed: pip install 'hybrid[{extra}]'"
        )


def reason_of(error: Exception) -> str:
    """Return what an exception from elsewhere says, as a short part of a sentence; its class if it says nothing.

    Examples
    --------
    >>> reason_of(ValueError(" no such   file")), reason_of(KeyError())
    ('no such file', 'KeyError')
    """
    return " ".join(str(error).split())[:300] or type(error).__name__


def unknown_name(kind: str, given: object, known: Iterable[str], hint: str = "") -> InputError:
    """Return the error for a name that is not in a table, with the nearest names there are.

    Parameters
    ----------
    kind : str
        What the name should have named, such as ``"backbone"``.
    given : object
        What was given.
    known : iterable of str
        The names there are.
    hint : str, default=""
        A sentence to end with, such as the command that lists the names.

    Returns
    -------
    InputError
        To be raised by the caller.

    Examples
    --------
    >>> print(unknown_name("head", "svn", ["forest", "softmax", "svm", "xgboost"]))
    Unknown head 'svn'. Nearest: 'svm'. There are: forest, softmax, svm, xgboost.
    """
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    near = [folded[match] for match in get_close_matches(str(given).lower(), folded, n=3, cutoff=0.5)]
    text = f"Unknown {kind} {given!r}."
    if near:
        text += f" Nearest: {', '.join(map(repr, near))}."
    if len(names) <= 12:
        text += f" There are: {', '.join(names)}."
    return InputError(f"{text} {hint}".rstrip())
