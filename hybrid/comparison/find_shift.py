"""Test whether the test images of a leaderboard are like the images that its models learnt from."""

from contextlib import suppress

from hybrid.comparison.compared_images import ComparedImages
from hybrid.comparison.leaderboard import Leaderboard
from hybrid.embeddings.joined_set import join_sets
from hybrid.errors import InputError
from hybrid.shift.of_set import shift_of_set
from hybrid.shift.result import DatasetShift


def find_shift(leaderboard: Leaderboard, images: ComparedImages | None) -> DatasetShift | None:
    """Return the shift of the test images, by the features of the chosen model.

    It uses embeddings, classes and groups, but no prediction: it says nothing about scores on test, and is no look at
    test.

    Parameters
    ----------
    leaderboard : Leaderboard
    images : ComparedImages or None

    Returns
    -------
    DatasetShift or None
        None if the embeddings no longer exist, or the compared split is train.
    """
    if images is None or leaderboard.split == "train":
        return None
    with suppress(InputError):
        return shift_of_set(join_sets(images.sets), images.measures)
    return None
