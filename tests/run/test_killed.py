"""A run that was killed goes on: what it makes then is what an undisturbed run makes."""

import os
import signal

import pytest
from killed import Killed
from made_pictures import write_dots

from hybrid.recipes import read_recipe
from hybrid.run.recipe import run_recipe
from hybrid.run.steps import RunProgress
from hybrid.workspace.workspace import Workspace

pytestmark = pytest.mark.network

RECIPE = """\
[data]
source = "dots.npz"
[train.net]
layers = ["conv 4", "globalpool"]
epochs = 3
[heads]
use = ["softmax", "svm"]
"""
# The command, which kills itself when the third step, the first head's, is done but not yet marked so.
KILLED = """
import os, signal, sys
import hybrid.run.steps
from hybrid.cli import main
marked, mark = [], hybrid.run.steps.mark_done
def die_at_the_third(*args):
    marked.append(args)
    if len(marked) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    mark(*args)
hybrid.run.steps.mark_done = die_at_the_third
main(sys.argv[1:])
"""
OF_THE_RUN = {"created", "bytes", "folder", "planned"}
TIMES = ("seconds", "processor")


@pytest.fixture
def small_recipe(tmp_path):
    """Two classes of noise, one of them brighter, and a network of one layer."""
    write_dots(tmp_path)
    (tmp_path / "dots.toml").write_text(RECIPE)
    return tmp_path / "dots.toml"


def lasting(value):
    """Return JSON values without what differs from run to run: times, and sizes that skops lets differ."""
    if isinstance(value, dict):
        return {k: lasting(v) for k, v in value.items() if k not in OF_THE_RUN and not k.startswith(TIMES)}
    return [lasting(one) for one in value] if isinstance(value, list) else value


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_run_that_was_killed_twice_ends_as_an_undisturbed_one(small_recipe, tmp_path, python, monkeypatch):
    plan, place = read_recipe(small_recipe), Workspace(tmp_path / "killed")

    def interrupt(epoch):
        raise Killed

    with pytest.raises(Killed):  # in the middle of the training, after its first epoch
        run_recipe(plan, place, listener=RunProgress(epoch=interrupt))
    died = python(KILLED, "run", small_recipe, "--workspace", place.folder, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert "net-dots: an interrupted training is resumed after epoch 1" in died.stdout
    epochs, heard = [], []
    resumed = run_recipe(plan, place, listener=RunProgress(say=heard.append, epoch=epochs.append))
    assert "net-dots: trained before" in heard
    assert not epochs
    assert [text for text in heard if text.endswith("fitting")] == [
        "softmax-net-dots: fitting",
        "svm-net-dots: fitting",
    ]

    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path / "other-cache"))
    undisturbed = run_recipe(plan, Workspace(tmp_path / "undisturbed"))
    assert lasting(resumed.to_dict()) == lasting(undisturbed.to_dict())
    for name in ("networks", "models", "sets"):
        made, wanted = ({path.name for path in (tmp_path / run / name).iterdir()} for run in ("killed", "undisturbed"))
        assert made == wanted
