"""Find out that images are in another split than in an earlier embedding set, as after a split was drawn again."""

from hybrid.embeddings.embedding_set import EmbeddingSet


def changed_split_warning(old: EmbeddingSet, new: EmbeddingSet) -> list[str]:
    """Return a warning if images of two embedding sets are in different splits.

    Parameters
    ----------
    old, new : EmbeddingSet
        Sets of one dataset. Images are recognised by their content.

    Returns
    -------
    list of str
        One sentence, or none.
    """
    before = {key.tobytes(): split for key, split in zip(old.keys, old.split.tolist(), strict=True)}
    pairs = [
        (before[key.tobytes()], split)
        for key, split in zip(new.keys, new.split.tolist(), strict=True)
        if key.tobytes() in before
    ]
    moved = sum(one != other for one, other in pairs)
    if not moved:
        return []
    return [
        f"{moved} of {len(pairs)} images are in another split than in the earlier run, so scores of the two runs "
        "cannot be compared. To keep a split while images are added, save it with `hybrid split`, and use that file as "
        "the data."
    ]
