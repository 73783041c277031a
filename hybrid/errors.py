"""Exceptions for errors that a user can correct, messages that they share, and former names of parameters."""

import warnings
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from inspect import Parameter, signature
from typing import ParamSpec, TypeVar

from hybrid._version import DISTRIBUTION

P = ParamSpec("P")
R = TypeVar("R")

_MOST_LISTED = 20
_MOST_SIMILAR = 4
_MAX_LENGTH = 2000  # characters; a value in the message, such as a name in an untrusted file, may be of any length

SKIP_BAD = "--on-bad skip (Python: on_bad='skip'; recipe: on_bad = 'skip' under [data])"


class InputError(ValueError):
    """Bad input: the message says what was given, what was expected and what to do.

    It is a ValueError, so code that catches those of scikit-learn catches it too.

    Examples
    --------
    >>> from hybrid import make_pipeline
    >>> try:
    ...     make_pipeline("resnet50", "svn")
    ... except InputError as error:
    ...     print(str(error)[:34])
    Unknown head 'svn'. Nearest: 'svm'
    """

    def __init__(self, message: str = ""):
        if len(message) > _MAX_LENGTH:
            message = f"{message[: _MAX_LENGTH // 2]} … {message[-_MAX_LENGTH // 4 :]}"
        super().__init__(message)


class MissingExtraError(InputError, ImportError):
    """An optional package is not installed. The message contains the command that installs it."""

    def __init__(self, package: str, extra: str, purpose: str):
        super().__init__(f"{purpose} needs the package {package!r}, which is not installed: {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the command that installs an extra of this package.

    Examples
    --------
    >>> install_command("dicom")
    "pip install 'hybrid-features[dicom]'"
    """
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def reason_of(error: Exception) -> str:
    """Return the message of another library's exception in one short line, or its class name if it has no message.

    Examples
    --------
    >>> reason_of(ValueError(" no such   file")), reason_of(KeyError())
    ('no such file', 'KeyError')
    """
    return " ".join(str(error).split())[:300] or type(error).__name__


def unknown_name(kind: str, given: object, known: Iterable[str], hint: str = "") -> InputError:
    """Return the error for an unknown name; its message suggests the most similar known names.

    Names that begin with the given one come first, such as "resnet50" and "resnet101" for "resnet".

    Parameters
    ----------
    kind : str
        What is looked up by name, such as ``"backbone"``.
    given : object
        The unknown name.
    known : iterable of str
        The known names.
    hint : str, default=""
        A sentence at the end of the message, for example about the command that lists the names.

    Returns
    -------
    InputError
        The error, which the caller raises.

    Examples
    --------
    >>> print(unknown_name("head", "svn", ["forest", "softmax", "svm", "xgboost"]))
    Unknown head 'svn'. Nearest: 'svm'. Expected one of: forest, softmax, svm, xgboost.
    """
    names = sorted(set(known))
    folded = {_folded(name): name for name in names}
    start = _folded(str(given))
    beginning = str(given).lower().replace("_", "-")
    family = sorted(
        (match for match, name in folded.items() if start and name.lower().replace("_", "-").startswith(beginning)),
        key=lambda match: (len(match), match),
    )
    close = get_close_matches(start, folded, n=3, cutoff=0.5)
    nearest = [*family, *close]
    similar = [folded[name] for name in dict.fromkeys(nearest)][:_MOST_SIMILAR]
    text = f"Unknown {kind} {given!r}."
    if similar:
        text += f" Nearest: {', '.join(map(repr, similar))}."
    if 0 < len(names) <= _MOST_LISTED:
        text += f" Expected one of: {', '.join(names)}."
    return InputError(f"{text} {hint}".rstrip())


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def renamed_parameters(**new_names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that lets a function accept former names of its parameters, with a FutureWarning.

    If a keyword is no parameter at all, the error names the most similar parameter.

    Parameters
    ----------
    **new_names : str
        The new name of each parameter, keyed by its former name.

    Returns
    -------
    callable
        A decorator for functions and methods. The signature of the decorated function shows only the new names.

    Raises
    ------
    TypeError
        If the decorated function is called with both names of a parameter, or with a keyword that it does not have.

    Examples
    --------
    >>> @renamed_parameters(seed="random_state")
    ... def shuffled(values, random_state=0):
    ...     return values, random_state
    >>> shuffled("abc", random_state=3)
    ('abc', 3)
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = signature(function).parameters
        is_open = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())

        @wraps(function)
        def accepting(*args: P.args, **given: P.kwargs) -> R:
            if not is_open and (unknown := given.keys() - parameters.keys() - new_names.keys()):
                raise _unknown_keyword(function, args, min(unknown), parameters)
            for old in new_names.keys() & given.keys():
                new = new_names[old]
                name = function.__qualname__.removesuffix(".__init__")
                if new in given:
                    raise TypeError(f"{name} was given both {old!r} and {new!r}, its new name: give only {new!r}.")
                text = f"The parameter {old!r} of {name} is called {new!r} now; the former name will be removed."
                warnings.warn(text, FutureWarning, stacklevel=2)
                given[new] = given.pop(old)
            return function(*args, **given)

        return accepting

    return decorate


def _unknown_keyword(function: Callable, args: tuple, keyword: str, parameters: Iterable[str]) -> TypeError:
    """Return the error for a keyword that a function does not have; it names the class whose object is created."""
    is_init = function.__name__ == "__init__" and args
    name = type(args[0]).__name__ if is_init else function.__qualname__
    near = get_close_matches(keyword, [parameter for parameter in parameters if parameter != "self"], n=1)
    return TypeError(f"{name} has no parameter {keyword!r}." + (f" Nearest: {near[0]!r}." if near else ""))
