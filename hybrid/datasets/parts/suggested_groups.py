r"""Find out whether the names of images suggest that several images are of one patient.

Examples
--------
>>> suggested_groups([f"person{n}_virus_{n}{m}.jpeg" for n in range(9) for m in range(3)])
SuggestedGroups(pattern='(person\\d+)', example='person0', images=27, groups=9, names=27, other='')
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
    names : int
        Number of all images.
    other : str
        A name in which the pattern finds no group; "" if there is none.
    """

    pattern: str
    example: str
    images: int
    groups: int
    names: int
    other: str

    def sentence(self) -> str:
        """Return a note for the user."""
        others = self.names - self.images
        extend = (
            f" The pattern does not match {others:,} of {number(self.names, 'file name')} (such as {self.other}): if "
            rf"they belong to patients too, add them, as in '{self.pattern}|(scan-\d+)'."
            if others
            else ""
        )
        return (
            f"The file names suggest that several images are of one patient (such as {self.example}: "
            f"{number(self.images, 'image')} of {number(self.groups, 'patient')}). If so, name the patients with "
            f"--group-pattern '{self.pattern}' (group_pattern in Python and in recipes); otherwise one patient can be "
            "in several splits, and intervals and tests, which take the images as independent, promise too much."
            f"{extend}"
        )


def suggested_groups(ids: Sequence[str]) -> SuggestedGroups | None:
    """Return the groups that the names of images suggest; None if they suggest none.

    Names such as ``person12_3.jpeg``, ``sub-01/a.png`` and ``00000013_002.png`` suggest groups.

    Parameters
    ----------
    ids : sequence of str, shape (n,)
        Names of the images: their paths.
    """
    words = Counter((match[2], match[3]) for name in ids if (match := _NAMED.search(name)))
    if words:
        word, separator = words.most_common(1)[0][0]
        return _checked(rf"({word}{separator}\d+)", ids, 2)
    if not any(map(_NUMBERED.search, ids)):
        return None
    return _checked(r"([A-Za-z]{0,4}[-_]?\d{4,})[-_]\d{1,4}\.", ids, _FEWEST_NUMBERED)


def _checked(pattern: str, ids: Sequence[str], fewest: int) -> SuggestedGroups | None:
    """Return the groups that a pattern finds; None if it matches too few names, or finds too few or too many groups."""
    found = [re.search(pattern, name) for name in ids]
    counts = Counter(match[1] for match in found if match)
    matching = counts.total()
    if matching < _LEAST_MATCHING * len(ids) or not fewest <= len(counts) <= _MOST_GROUPS * matching:
        return None
    other = next((name for name, match in zip(ids, found, strict=True) if not match), "")
    return SuggestedGroups(pattern, counts.most_common(1)[0][0], matching, len(counts), len(ids), other)
