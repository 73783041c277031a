"""The exception for what a user can mend, the sentences that errors are made of, and warnings of former names."""

import warnings
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

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


def renamed_parameters(**new_names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function accept the former names of its keyword parameters, with a FutureWarning.

    Parameters
    ----------
    **new_names : str
        The name of each parameter by its former name.

    Returns
    -------
    callable
        A decorator of functions and methods. The signature of the decorated function shows the new names only.

    Raises
    ------
    TypeError
        When the decorated function is called with both names of a parameter.

    Examples
    --------
    >>> @renamed_parameters(seed="random_state")
    ... def shuffled(values, random_state=0):
    ...     return values, random_state
    >>> shuffled("abc", random_state=3)
    ('abc', 3)
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def accepting(*args: P.args, **given: P.kwargs) -> R:
            for old in new_names.keys() & given.keys():
                new = new_names[old]
                name = function.__qualname__.removesuffix(".__init__")
                if new in given:
                    raise TypeError(f"{name} was given both {old!r} and {new!r}, its new name: give {new!r} only.")
                text = f"The parameter {old!r} of {name} is called {new!r} now; the former name will be removed."
                warnings.warn(text, FutureWarning, stacklevel=2)
                given[new] = given.pop(old)
            return function(*args, **given)

        return accepting

    return decorate
