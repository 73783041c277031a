"""Find out which folders of a dataset are splits and which are classes."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hybrid.datasets.parts.split_names import (
    NO_SPLIT,
    SKIP,
    SplitNames,
    look_up,
    meaning_of,
    split_name,
    suggestion,
    word_in,
)
from hybrid.datasets.readers.scan import Listing
from hybrid.errors import InputError, unknown_name
from hybrid.wording import first_few

_WRAPPERS = frozenset({"data", "dataset", "images", "imgs", "img"})  # such as train/images/cat
_KINDS_OF_FILES = frozenset(
    {*_WRAPPERS, "image", "mask", "masks", "label", "labels", "annotation", "annotations", "gt"}
)
_SHARED = 0.5  # folders with at least this share of their subfolders in common may be splits

Peek = Callable[[str], Listing]


@dataclass(frozen=True)
class Part:
    """A folder of the dataset that contains class folders, or the images of one class.

    Attributes
    ----------
    path : str
        Path of the folder, relative to the folder of the dataset.
    split : str
        The split of its images, or "" if there is no split in the data.
    label : str, default=""
        The class of its images, or "" if its subfolders are the classes.
    """

    path: str
    split: str = ""
    label: str = ""


def find_parts(root: str, folders: Sequence[str], peek: Peek, names: SplitNames) -> list[Part]:
    """Return the parts of a dataset: its split folders, or the dataset itself if its folders are classes.

    Folders whose names are words for train, val or test are splits. A class may be called "train", too: if there are
    other folders, it is a class if it has no subfolders, or if there is no other split. Folders with these words in
    their names, such as "seg_train", are splits if their subfolders are the same.

    Parameters
    ----------
    root : str
        The folder of the dataset.
    folders : sequence of str
        The names of the folders in it.
    peek : callable
        Returns what is in a folder, given its path relative to the root.
    names : dict of str to str, "none" or None
        What the user says that the names of folders mean.

    Returns
    -------
    list of Part

    Raises
    ------
    InputError
        If it is not clear whether the folders are splits or classes, or which split each of them is.
    """
    if names == NO_SPLIT:
        return [Part("")]
    classes = {folder: _class_folders(folder, peek) for folder in folders}
    if isinstance(names, dict):
        return _explained(folders, peek, names)
    named = {folder: split for folder in folders if (split := word_in(folder))}
    if not named and all(classes.values()):
        named = meaning_of(folders) or {}  # abbreviations
    if _are_splits(root, named, classes):
        _check_splits(root, named, classes)
        parts = [Part(_unwrapped(folder, peek), split) for folder, split in named.items()]
        _check_class_folders(root, parts, peek)
        return parts
    if len(folders) > 1 and _folded(folders) <= _KINDS_OF_FILES:
        raise InputError(
            f"The folders {first_few(folders)} of {root!r} look like images and their masks or labels, not like "
            "classes: give the folder of the images, with one subfolder per class, or a manifest."
        )
    if inner := _inner_parts(root, folders, peek, None):
        return inner
    if shared := _shared_folders(classes):
        holders = [folder for folder in folders if classes[folder]]
        have = "all contain" if all(_folded(shared) <= _folded(classes[f]) for f in holders) else "share"
        swapped = f"; if {first_few(shared)} are the splits, as in {suggestion(shared)}" if _numbered(shared) else ""
        raise InputError(
            f"The folders {first_few(holders)} of {root!r} {have} the folders {first_few(shared)}. If they are "
            f"splits of the classes {first_few(shared)}, say which, as in {suggestion(holders)}{swapped}; if they are "
            f"the classes, with all images below them, say --split-names {NO_SPLIT} (split_names in Python and in "
            "recipes)."
        )
    return [Part("")]


def _numbered(names: Sequence[str]) -> bool:
    return all(re.fullmatch(r"(k?fold|split|part|set|subset)s?[ _-]?\w{1,2}", name.casefold()) for name in names)


def _shared_folders(inner: dict[str, list[str]]) -> list[str]:
    """Return the subfolders that recur, if they may be the classes of all folders; a folder may lack some of them."""
    sets = [_folded(names) for names in inner.values() if names]
    times = Counter(name for names in sets for name in names)
    common = {name for name, count in times.items() if count > 1}
    if len(common) < 2 or len(common) < _SHARED * len(times) or not all(names & common for names in sets):
        return []
    return list(
        {name.casefold(): name for names in inner.values() for name in names if name.casefold() in common}.values()
    )


def _check_class_folders(root: str, parts: Sequence[Part], peek: Peek) -> None:
    """Raise `InputError` if the folders in a split folder may not be the classes, because their subfolders are."""
    for part in parts:
        folders = peek(part.path).folders
        for name in filter(word_in, folders):
            if repeated := sorted(_folded(peek(f"{part.path}/{name}").folders) & _folded(folders)):
                raise InputError(
                    f"The folder '{part.path}/{name}' of {root!r} contains {first_few(repeated)}, as {part.path!r} "
                    f"does, and may be a copy of it: remove it or, if {name!r} is a class, say "
                    f"{suggestion([part.path.split('/')[0] for part in parts])} (split_names in Python and in recipes)."
                )
        if shared := _shared_folders({name: peek(f"{part.path}/{name}").folders for name in folders}):
            raise InputError(
                f"The folders {first_few(folders)} in {part.path!r} of {root!r} all contain the folders "
                f"{first_few(shared)}, which may be the classes. If {first_few(folders)} are the classes, say "
                f"{suggestion([part.path.split('/')[0] for part in parts])} (split_names in Python and in recipes); "
                f"otherwise put the folders {first_few(shared)} directly into {part.path!r}."
            )


def _class_folders(folder: str, peek: Peek) -> list[str]:
    return peek(_unwrapped(folder, peek)).folders


def _unwrapped(folder: str, peek: Peek) -> str:
    """Return the folder or, if a folder of the same name or "images" is all that it contains, that folder."""
    path, listing = folder, peek(folder)
    while len(listing.folders) == 1 and not listing.images:
        inner = listing.folders[0]
        same = inner.casefold() == folder.casefold() or (word_in(inner) == word_in(folder) and word_in(inner))
        if not same and inner.casefold() not in _WRAPPERS:
            break
        path = f"{path}/{inner}"
        listing = peek(path)
    return path


def _are_splits(root: str, named: dict[str, str], classes: dict[str, list[str]]) -> bool:
    """Return whether the folders with the words of splits in their names are splits, not classes."""
    exact = {folder for folder in named if split_name(folder)}
    all_named, several = len(named) == len(classes), len(set(named.values())) > 1
    if "train" not in named.values():
        if all_named and exact == set(named) and named:
            raise InputError(f"The folder {root!r} has {first_few(named)} but no train folder: add one.")
        return False
    if all_named and exact == set(named):
        return True
    if any(named[folder] == "train" and classes[folder] for folder in exact) and len(exact) > 1:
        return True
    if not several:
        return all_named and len(named) == 1 and len(classes[next(iter(named))]) > 1
    if all(classes[folder] for folder in named):
        return True
    if all_named and meaning_of(named):
        raise InputError(
            f"The folders {first_few(named)} of {root!r} look like splits, but not all of them contain class folders. "
            f"If they are the classes, say --split-names {NO_SPLIT} (split_names in Python and in recipes); if they "
            "are splits, put the images of each class into a subfolder, and leave out a folder without classes with "
            f"--split-names FOLDER={SKIP}."
        )
    return False


def _check_splits(root: str, named: dict[str, str], classes: dict[str, list[str]]) -> None:
    """Raise `InputError` if two folders are the same split, or other folders may be splits, too."""
    if len(set(named.values())) < len(named):
        raise InputError(
            f"The folder {root!r} has two folders for the same split among {first_few(named)}: merge them, "
            f"or say what each is, as in {suggestion(named)}."
        )
    of_train = _folded(classes[next(folder for folder, split in named.items() if split == "train")])
    for folder, split in named.items():
        if split != "train" and not split_name(folder) and not of_train & _folded(classes[folder]):
            raise InputError(
                f"The folder {folder!r} of {root!r} looks like the {split} split, but contains none of the class "
                f"folders of train: rename them, or say what the folders are, as in {suggestion(named)}, or "
                f"--split-names {NO_SPLIT} if they are the classes."
            )
    others = [f for f in classes if f not in named and len(of_train & _folded(classes[f])) >= min(2, len(of_train))]
    if others and of_train:
        raise InputError(
            f"The folders {first_few(named)} of {root!r} are splits, and {first_few(others)} contains the same class "
            f"folders: say what it is with --split-names {others[0]}=test (or train, val, {SKIP})."
        )


def _folded(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names}


def _explained(folders: Sequence[str], peek: Peek, names: dict[str, str]) -> list[Part]:
    """Return the split folders as the user explained them."""
    meaning = {folder: split for folder in folders if (split := look_up(folder, names))}
    known = {folder.lower() for folder in folders}
    unknown = [name for name in names if name.lower() not in known]
    if not unknown:
        return [Part(_unwrapped(folder, peek), split) for folder, split in meaning.items() if split != SKIP]
    if len(unknown) == len(names) and (inner := _inner_parts("", folders, peek, names)):
        return inner
    raise unknown_name("folder in --split-names", unknown[0], folders)


def _inner_parts(root: str, folders: Sequence[str], peek: Peek, names: dict[str, str] | None) -> list[Part]:
    """Return the split folders inside the class folders, such as cat/train, or an empty list if there are none."""
    inner = {folder: peek(folder) for folder in folders}
    found = list(dict.fromkeys(name for listing in inner.values() for name in listing.folders))
    if names is None:
        meaning = meaning_of(found)
    else:
        meaning = {name: split for name in found if (split := look_up(name, names))}
    if len(folders) < 2 or not meaning or len(meaning) < len(found):
        return []
    loose = [folder for folder, listing in inner.items() if listing.images or not listing.folders]
    if loose:
        raise InputError(
            f"The folders {first_few(found)} in the class folders of {root!r} are splits, but there are images outside "
            f"of them in {first_few(loose)}: move them, or say --split-names {NO_SPLIT} to read all images of a class "
            "folder without a split."
        )
    pairs = [(folder, name) for folder in folders for name in inner[folder].folders]
    if names is None and (shared := _shared_folders({"/".join(p): peek("/".join(p)).folders for p in pairs})):
        raise InputError(
            f"The folders {first_few(folders)} of {root!r} all contain splits of the classes {first_few(shared)}: give "
            f"one of the folders, merge them, or say --split-names {NO_SPLIT} if {first_few(folders)} are the classes."
        )
    return [Part(f"{folder}/{name}", meaning[name], folder) for folder, name in pairs if meaning[name] != SKIP]
