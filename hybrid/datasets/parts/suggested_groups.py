r"""Find out whether the names of images suggest that several images are of one patient.

Examples
--------
>>> suggested_groups([f"person{n}_virus_{n}{m}.jpeg" for n in range(9) for m in range(3)])
SuggestedGroups(pattern='(person\\d+)', example='person0', images=27, groups=9)
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from hybrid.wording import number

_NAMED = re.compile(
    r"(?:^|/)((patient|person|subject|participant|case|pat|subj|sub|pt)([-_ ]?)\d+)(?=[-_./ ])", re.IGNORECASE
)
_NUMBERED = re.compile(r"(?:^|/)([A-Za-z]{0,4}[-_]?\d{4,})[-_]\d{1,4}\.[A-Za-z]+$")
_LEAST_MATCHING = 0.5  # share of the names that must match
_MOST_GROUPS = 0.9  # groups relative to the matching names; with more, nearly every image would be a group of its own
_FEWEST_NUMBERED = 10  # groups that are recognised only by their numbers


@dataclass(frozen=True)
class SuggestedGroups:
    """Groups that the names of images suggest.

    Attributes
    ----------
    pattern : str
        A regular expression that finds the group in a name; see :func:`hybrid.datasets.parts.groups.groups_by_pattern`.
    example : str
        The group with most images.
    images, groups : int
        Number of images whose name has a group, and number of these groups.
    """

    pattern: str
    example: str
    images: int
    groups: int

    def sentence(self) -> str:
        """Return a note for the user."""
        return (
            f"The file names suggest that several images are of one patient (such as {self.example}: "
            f"{number(self.images, 'image')} of {number(self.groups, 'patient')}). If so, name the patients with "
            f"--group-pattern '{self.pattern}' (group_pattern in Python and in recipes); otherwise one patient can be "
            "in several splits, and intervals and tests, which take the images as independent, promise too much."
        )


def suggested_groups(ids: Sequence[str]) -> SuggestedGroups | None:
    """Return the groups that the names of images suggest; None if they suggest none.

    Names such as ``person12_3.jpeg``, ``sub-01/a.png`` and ``00000013_002.png`` suggest groups.

    Parameters
    ----------
    ids : sequence of str, shape (n,)
        Names of the images: their paths.
    """
    named = [match for name in ids if (match := _NAMED.search(name))]
    if named:
        words = Counter((match[2], match[3]) for match in named)
        word, separator = words.most_common(1)[0][0]
        return _checked(rf"({word}{separator}\d+)", [match[1] for match in named], len(ids), 2)
    numbered = [match[1] for name in ids if (match := _NUMBERED.search(name))]
    pattern = r"([A-Za-z]{0,4}[-_]?\d{4,})[-_]\d{1,4}\."
    return _checked(pattern, numbered, len(ids), _FEWEST_NUMBERED)


def _checked(pattern: str, names: Sequence[str], n: int, fewest: int) -> SuggestedGroups | None:
    counts = Counter(names)
    if len(names) < _LEAST_MATCHING * n or not fewest <= len(counts) <= _MOST_GROUPS * len(names):
        return None
    return SuggestedGroups(pattern, counts.most_common(1)[0][0], len(names), len(counts))
