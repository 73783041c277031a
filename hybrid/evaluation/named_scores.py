"""Scores by name, which can also be read by the names that scikit-learn gives them."""

from typing import Any, TypeVar

from hybrid.errors import InputError, unknown_name
from hybrid.evaluation.registry.aliases import ALIASES

Score = TypeVar("Score")


class UnknownScoreError(InputError, KeyError):
    """There is no score of this name. The message names the most similar ones."""

    __str__ = Exception.__str__  # a KeyError would show the message in quotation marks


class NamedScores(dict[str, Score]):
    """A dict of scores. A name that is missing is looked up among scikit-learn's names of the same scores.

    Examples
    --------
    >>> scores = NamedScores(sensitivity=0.9, specificity=0.8)
    >>> scores["recall"], scores.get("recall"), scores.get("f1")
    (0.9, 0.9, None)
    """

    def __missing__(self, name: str) -> Score:
        other = ALIASES.get(name, "")
        if other in self:
            return self[other]
        raise UnknownScoreError(str(unknown_name("score", name, self)))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the score of this name, or of scikit-learn's name of it; the default if there is none."""
        return self[name] if name in self or ALIASES.get(name, "") in self else default
