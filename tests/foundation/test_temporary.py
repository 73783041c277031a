"""What killed processes leave behind is removed at the next use, and what living ones are making is not."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from faults import start

from hybrid.extractors.store.identity import Identity
from hybrid.extractors.store.store import EmbeddingStore, open_cache
from hybrid.files import remove_abandoned, replace_folder, temporary, write_atomic
from hybrid.files.temporary import is_abandoned, temporary_file, temporary_folder
from hybrid.workspace.workspace import Workspace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="locks and signals are POSIX's")

WRITING = """
import os, signal, sys
from pathlib import Path
from hybrid.files import replace_folder, write_atomic

def stop(file):
    file.write(b"half")
    print("writing", flush=True)
    sys.stdin.read()

here = Path(sys.argv[1])
with replace_folder(here / "models" / "svm") as new:
    write_atomic(here / "reports" / "index.html", stop)
"""


def left(folder):
    return sorted(path.relative_to(folder).parent.as_posix() for path in folder.rglob(".tmp-*"))


@pytest.mark.medium
def test_a_workspace_is_rid_of_the_files_of_a_killed_process_but_not_of_a_living_one(tmp_path):
    command = [sys.executable, "-c", WRITING, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        made = ["models", "reports"]
        assert left(tmp_path) == made
        Workspace(tmp_path)
        assert left(tmp_path) == made
        process.kill()
        process.wait()
        assert left(tmp_path) == made
        Workspace(tmp_path)
        assert left(tmp_path) == []
        assert {path.name for path in tmp_path.iterdir()} == {"models", "reports"}


def die_in(folder):
    """Let a process be killed while it writes a file into a folder."""

    def work():
        write_atomic(folder / "x", lambda file: os.kill(os.getpid(), signal.SIGKILL))

    assert os.WIFSIGNALED(os.waitpid(start(work), 0)[1])
    assert left(folder) == ["."]


def test_a_cache_is_rid_of_them(tmp_path):
    store = EmbeddingStore(tmp_path, Identity({"made": "rows"}, (3,)))
    for name in ("embeddings", "extractors", "graphs", "maps", "measures"):
        die_in(tmp_path / name)
    open_cache(tmp_path)
    assert left(tmp_path) == []
    die_in(store.folder)
    EmbeddingStore(tmp_path, store.identity)
    assert left(tmp_path) == []


def test_the_next_replacement_of_a_folder_removes_them(tmp_path):
    die_in(tmp_path / "models")
    with replace_folder(tmp_path / "models" / "svm"):
        pass
    assert left(tmp_path) == []


def test_only_what_nobody_holds_and_only_temporary_files_are_removed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".tmp-link").symlink_to(outside)
    os.mkfifo(folder / ".tmp-pipe")
    (folder / "own.txt").touch()
    with temporary_file(folder) as (file, _), temporary_folder(folder) as inside:
        for path in (file, inside):
            os.utime(path, (0, 0))  # however old
        assert not is_abandoned(file)
        assert not is_abandoned(inside)
        remove_abandoned(folder)
        assert file.exists()
        assert inside.exists()
    assert {path.name for path in folder.iterdir()} == {".tmp-link", ".tmp-pipe", "own.txt"}
    assert outside.is_dir()


def test_names_of_another_machine_or_version_must_be_old_too(tmp_path):
    """A lock on a network drive may be unknown here; earlier versions held none."""
    for name, age, kept in ((".tmp-abc", 60, True), (".tmp-abc", 7200, False), (f".tmp-{'0' * 41}", 60, True)):
        path = tmp_path / name
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
        remove_abandoned(tmp_path)
        assert path.exists() is kept
        path.unlink(missing_ok=True)


def test_without_locks_only_what_is_old_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(temporary, "_try_to_lock", lambda handle: None)
    with temporary_file(tmp_path) as (path, _):
        remove_abandoned(tmp_path)
        assert path.exists()
        os.utime(path, (0, 0))
        assert is_abandoned(path)


@pytest.mark.parametrize("make", [temporary_file, temporary_folder])
def test_what_is_removed_before_it_is_locked_is_made_again(tmp_path, monkeypatch, make):
    removed = []

    def lose(handle):
        if not removed:
            (path,) = tmp_path.iterdir()
            removed.append(path.name)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return True

    monkeypatch.setattr(temporary, "_try_to_lock", lose)
    with make(tmp_path):
        (path,) = tmp_path.iterdir()
        assert path.name not in removed
    assert [*tmp_path.iterdir()] == []
