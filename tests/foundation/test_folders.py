"""A folder is replaced as a whole: at each moment it is the old or the new one, even if the process is killed."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from faults import start

from hybrid.errors import InputError
from hybrid.files import folders, locked, replace_folder, restore_folder, restore_folders
from hybrid.workspace.workspace import METRICS, Workspace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and fork are POSIX's")

OLD, NEW = {"a": "old", "b": "old"}, {"a": "new", "c": "new"}


def make(folder, contents):
    with replace_folder(folder) as new:
        for name, text in contents.items():
            (new / name).write_text(text)


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def replace_and_die(folder, before, monkeypatch):
    """Replace a folder in a process that is killed before its nth step; return whether there was such a step."""

    def work():
        steps = [0]

        def counted(step):
            def run(*arguments, **options):
                if steps[0] == before:
                    os.kill(os.getpid(), signal.SIGKILL)
                steps[0] += 1
                return step(*arguments, **options)

            return run

        for owner, name in ((Path, "rename"), (folders, "_exchange"), (shutil, "rmtree")):
            monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
        make(folder, NEW)

    return os.WIFSIGNALED(os.waitpid(start(work), 0)[1])


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_folder(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    found = []
    for step in range(20):
        folder = tmp_path / str(step) / "model"
        make(folder, OLD)
        killed = replace_and_die(folder, step, monkeypatch)
        if in_one_step:
            assert folder.is_dir()
        restore_folder(folder)
        found.append(contents(folder))
        make(folder, NEW)  # the next replacement works and removes what the killed one left
        restore_folders(folder.parent)
        assert contents(folder) == NEW
        assert not hidden(folder.parent)
        if not killed:
            break
    assert len(found) > 2
    assert found == sorted(found, key=[OLD, NEW].index)  # first the old one, then the new one
    assert {OLD["a"], NEW["a"]} == {one["a"] for one in found}


def test_a_folder_that_was_deleted_after_its_replacement_does_not_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    for step in range(20):
        folder = tmp_path / str(step) / "model"
        make(folder, OLD)
        if not replace_and_die(folder, step, monkeypatch):
            return
        restore_folders(folder.parent)
        shutil.rmtree(folder)
        restore_folders(folder.parent)
        assert not folder.exists()


@pytest.mark.parametrize("in_one_step", [True, False])
def test_of_many_replacements_at_once_one_remains_whole(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    folder = tmp_path / "model"

    def work(number):
        for _ in range(20):
            make(folder, {str(name): str(number) for name in range(5)})

    children = [start(lambda number=number: work(number)) for number in range(4)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    found = contents(folder)
    assert len(found) == 5
    assert len(set(found.values())) == 1
    assert not hidden(tmp_path)


def test_the_old_folder_stays_if_the_new_one_is_not_finished(tmp_path):
    folder = tmp_path / "model"
    make(folder, OLD)

    def fill():
        with replace_folder(folder) as new:
            (new / "a").write_text("new")
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        fill()
    assert contents(folder) == OLD
    assert not hidden(tmp_path)


def test_a_link_is_replaced_and_the_folder_behind_it_is_not_touched(tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "kept").write_text("kept")
    (tmp_path / "model").symlink_to("own")
    make(tmp_path / "model", NEW)
    assert contents(tmp_path / "model") == NEW
    assert contents(tmp_path / "own") == {"kept": "kept"}


def test_a_lock_keeps_other_processes_out_and_ends_with_a_kill(tmp_path):
    log = tmp_path / "log"

    def work():
        with locked(tmp_path / "sets"), log.open("a") as file:
            for text in "ab":
                file.write(text)
                file.flush()
                time.sleep(0.02)
                if log.stat().st_size == 1:
                    os.kill(os.getpid(), signal.SIGKILL)

    for _ in range(2):
        children = [start(work) for _ in range(4)]
        for child in children:
            os.waitpid(child, 0)
    assert log.read_text() == "a" + "ab" * 7


def test_a_model_that_was_being_replaced_is_found_again(tmp_path):
    workspace = Workspace(tmp_path)
    make(workspace.models / "svm", {METRICS: "{}"})
    (workspace.models / "svm").rename(workspace.models / ".old-svm")
    assert workspace.find("models", "svm") == workspace.models / "svm" / METRICS
