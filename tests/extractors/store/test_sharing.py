"""A cache or a workspace that other users can change is named in one warning, and no other folder is."""

import os
import warnings
from collections import namedtuple
from pathlib import Path

import pytest

from hybrid.extractors.store import sharing
from hybrid.extractors.store.sharing import SharedFolderWarning
from hybrid.extractors.store.store import default_cache, open_cache
from hybrid.workspace.workspace import Workspace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")

ME, OTHER = os.geteuid(), 4711
User = namedtuple("User", "pw_name pw_uid pw_gid")
Group = namedtuple("Group", "gr_name gr_mem")


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine with two accounts, outside a container."""
    monkeypatch.setattr(sharing, "_checked", set())
    monkeypatch.setattr(sharing, "_CONTAINER_FILES", ())
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)
    users = [User("me", ME, 1001), User("other", OTHER, 1002)]
    monkeypatch.setattr("pwd.getpwall", lambda: users)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {user.pw_uid: user for user in users}[uid])


@pytest.fixture
def shared(tmp_path):
    (tmp_path / "above" / "folder" / "models").mkdir(parents=True)
    return tmp_path / "above" / "folder"


def said(shared, opened=open_cache):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        opened(shared)
    assert all(one.category is SharedFolderWarning for one in caught)
    assert len(caught) <= 1
    return str(caught[0].message) if caught else ""


def status_of(monkeypatch, shared, **changes):
    """Let a folder have another owner, group or device."""
    status = sharing._status
    names = {"uid": 4, "gid": 5, "dev": 2}

    def changed(place):
        found = status(place)
        if found is None or place != shared:
            return found
        values = [*found[:10]]
        for name, value in changes.items():
            values[names[name]] = value
        return os.stat_result(values)

    monkeypatch.setattr(sharing, "_status", changed)


@pytest.mark.parametrize("opened", [open_cache, Workspace])
def test_a_private_folder_gives_no_warning(shared, opened):
    assert said(shared, opened) == ""
    assert said(shared / "does" / "not" / "exist", opened) == ""


@pytest.mark.parametrize(("opened", "kind"), [(open_cache, "cache"), (Workspace, "workspace")])
@pytest.mark.parametrize("place", [".", "models"])
def test_a_folder_that_all_can_write_to(shared, opened, kind, place):
    (shared / place).chmod(0o777)
    text = said(shared, opened)
    assert f"the {kind} {str(shared)!r}" in text
    assert f"{str((shared / place).resolve())!r} is writable by all users" in text
    assert "chmod go-w" in text
    assert said(shared, opened) == ""  # once is enough


def test_a_cache_named_by_the_environment(shared, monkeypatch):
    shared.chmod(0o777)
    monkeypatch.setenv("HYBRID_CACHE", str(shared))
    assert "writable by all users" in said(shared, lambda shared: default_cache())


def test_a_folder_above_counts_unless_it_is_sticky_like_tmp(shared, tmp_path):
    shared.parent.chmod(0o777)
    assert "a folder above it, is writable by all users" in said(shared)
    assert "a folder above it" in said(shared.parent / "missing")
    (tmp_path / "link").symlink_to(shared)
    assert "a folder above it" in said(tmp_path / "link")
    shared.parent.chmod(0o1777)
    sharing._checked.clear()
    assert said(shared) == ""


def test_a_sticky_folder_itself_is_shared(shared):
    shared.chmod(0o1777)
    assert "writable by all users" in said(shared)


@pytest.mark.parametrize(
    ("gid", "members", "warned"),
    [
        (1001, [], False),  # umask 002 with a group for each user
        (1001, ["me"], False),
        (1001, ["me", "other"], True),
        (1002, [], True),  # the main group of another user
        (1003, ["other"], True),
        (1003, [], False),
        (0, ["other"], False),  # the group of root
        (9999, None, False),  # no such group, as in many containers
    ],
)
def test_a_group_counts_if_it_has_other_members(shared, monkeypatch, gid, members, warned):
    def getgrgid(number):
        if members is None:
            raise KeyError(number)
        return Group("group", members)

    monkeypatch.setattr("grp.getgrgid", getgrgid)
    shared.chmod(0o2775)
    status_of(monkeypatch, shared, gid=gid)
    assert ("writable by the group 'group'" in said(shared)) == warned


@pytest.mark.parametrize(
    ("me", "owner", "sudo", "warned"),
    [
        (ME, ME, "", False),
        (5000, 0, "", False),
        (5000, OTHER, "", True),
        (5000, 6000, "", True),
        (0, OTHER, "", True),
        (0, OTHER, str(OTHER), False),  # `sudo hybrid` in the user's own folder
        (0, 6000, "", False),  # root in a container, in a folder of the machine outside
    ],
)
def test_the_owner_of_a_folder(shared, monkeypatch, me, owner, sudo, warned):
    monkeypatch.setattr(os, "geteuid", lambda: me)
    monkeypatch.setenv("SUDO_UID", sudo)
    status_of(monkeypatch, shared, uid=owner)
    assert ("belongs to the user" in said(shared)) == warned


def test_a_folder_mounted_into_a_container_and_folders_above_it_give_no_warning(shared, tmp_path, monkeypatch):
    (tmp_path / ".dockerenv").touch()
    monkeypatch.setattr(sharing, "_CONTAINER_FILES", (tmp_path / ".dockerenv",))
    shared.parent.chmod(0o777)
    assert said(shared) == ""
    (shared / "models").chmod(0o777)
    inside = Path("/").stat().st_dev == shared.stat().st_dev
    sharing._checked.clear()
    assert ("writable by all users" in said(shared)) == inside


def test_a_file_system_without_permissions_gives_no_warning(shared, monkeypatch):
    shared.chmod(0o777)
    make = os.mkdir
    monkeypatch.setattr(os, "mkdir", lambda path, mode=0o777: make(path) or os.chmod(path, 0o777))  # noqa: PTH101
    assert said(shared) == ""


@pytest.mark.filterwarnings("default")
def test_the_command_line_says_it_in_one_line_and_goes_on(hybrid, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    result = hybrid.result("cache", "list", "--cache", tmp_path / "shared")
    assert result.exit_code == 0
    [line] = result.stderr.splitlines()
    assert line.startswith("Other users can change the cache")
