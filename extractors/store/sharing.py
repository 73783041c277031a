"""Warn about a cache folder or a workspace that other users can change, since its content is trusted.

A warning is given, and no refusal, because the members of a team may want to share a folder. Folders that are mounted
into a container, and file systems without permissions, are left out: their permissions say nothing about other people.
"""

import os
import shlex
import stat
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

_CONTAINER_FILES = ("/.dockerenv", "/run/.containerenv")
_checked: set[Path] = set()


class SharedFolderWarning(UserWarning):
    """Other users can change the files of a cache folder or a workspace."""


def warn_if_shared(folder: Path, kind: str, inside: Sequence[str] = ()) -> None:
    """Warn, once in a process, if another user than root can change the content of a folder.

    Parameters
    ----------
    folder : Path
        The folder. It need not exist.
    kind : str
        What it is, for the message, such as ``"cache"``.
    inside : sequence of str, optional
        Names of folders in it that are checked, too.
    """
    path = Path(os.path.abspath(folder))  # noqa: PTH100 - links must stay, since their folders are checked
    if os.name != "posix" or path in _checked:
        return
    _checked.add(path)
    for reason, remedy in _shared_places(path, inside):
        warnings.warn(
            f"Other users can change the {kind} {str(folder)!r}, and with it your results, because {reason}. "
            f"If you do not trust them, {remedy}give another folder.",
            SharedFolderWarning,
            stacklevel=3,
        )
        return


def _shared_places(path: Path, inside: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the reasons why others can change the content of a folder, each with the beginning of the remedy."""
    resolved = path.resolve()
    for place in (resolved, *(resolved / name for name in inside)):
        if found := _status(place):
            if owner := _foreign_owner(found):
                yield f"{str(place)!r} belongs to {owner}", ""
            elif who := _writers(place, found):
                yield f"{str(place)!r} is writable by {who}", _remedy(place)
    if _in_container():  # the images of containers often have such folders, but no other users
        return
    for place in dict.fromkeys((*path.parents, *resolved.parents)):  # whoever can write there can exchange the folder
        found = _status(place)
        if found and not found.st_mode & stat.S_ISVTX and (who := _writers(place, found)):
            yield f"{str(place)!r}, a folder above it, is writable by {who}", _remedy(place)


def _remedy(place: Path) -> str:
    return f"run `chmod go-w {shlex.quote(str(place))}`, or "


def _foreign_owner(found: os.stat_result) -> str:
    """Return the owner of a folder if it is neither root, nor this user, nor the one for whom `sudo` runs this."""
    import pwd

    me = os.geteuid()
    if found.st_uid in (0, me) or (me == 0 and str(found.st_uid) == os.environ.get("SUDO_UID")):
        return ""
    try:
        return f"the user {pwd.getpwuid(found.st_uid).pw_name!r}"
    except KeyError:
        return "" if me == 0 else f"the user with the number {found.st_uid}"


def _writers(place: Path, found: os.stat_result) -> str:
    """Return which other users the permissions of a folder let write to it; empty if there are none."""
    who = ""
    if found.st_mode & stat.S_IWOTH:
        who = "all users"
    elif found.st_mode & stat.S_IWGRP and (group := _shared_group(found)):
        who = f"the group {group!r}"
    return who if who and _keeps_permissions(place) else ""


def _shared_group(found: os.stat_result) -> str:
    """Return the name of a folder's group if it has members besides this user, the owner and root."""
    import grp
    import pwd

    try:
        group = grp.getgrgid(found.st_gid)
    except KeyError:
        return ""
    users = pwd.getpwall()
    known = {user.pw_name for user in users if user.pw_uid in (0, os.geteuid(), found.st_uid)}
    members = {*group.gr_mem, *(user.pw_name for user in users if user.pw_gid == found.st_gid)}
    return group.gr_name if members - known and found.st_gid else ""


def _keeps_permissions(place: Path) -> bool:
    """Return whether the file system keeps the permissions of a new private folder, or this cannot be tried."""
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=".tmp-") as private:
            return not Path(private).stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    except OSError:
        return True


def _status(place: Path) -> os.stat_result | None:
    """Return the status of a folder; None if there is none, or if it is mounted into a container from outside."""
    try:
        found = place.stat()
    except OSError:
        return None
    return None if _in_container() and found.st_dev != Path("/").stat().st_dev else found


def _in_container() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ or any(map(os.path.exists, _CONTAINER_FILES))
