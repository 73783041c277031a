"""A training records its time by the wall clock and in processor seconds, also over interruptions."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from ticking import ticking_clock

from hybrid.progress import Spent
from hybrid.training.epochs import TrainingRun
from hybrid.training.state import TrainingState, load_state, save_state


class Run(TrainingRun):
    """A training whose steps and validation only read the clock, which moves when it is read."""

    def __init__(self, clock):
        self.clock, self.options = clock, SimpleNamespace(epochs=3)
        self.model, self.train = SimpleNamespace(get_weights=list), SimpleNamespace(waited=0.25)

    def enter(self, epoch):
        pass

    def _train_steps(self, number, losses, progress):
        self.clock()
        return {"loss": 1.0, "accuracy": 0.5, "learning_rate": 0.1}

    def _validate(self, number):
        return {"val_loss": 1.0, "val_accuracy": 0.5}


def test_each_epoch_adds_to_both_measures(monkeypatch):
    clock = ticking_clock()
    monkeypatch.setattr("hybrid.progress.read_clocks", clock)
    run, state = Run(clock), TrainingState()
    for number in (1, 2):
        epoch = run.epoch(state, None)
        assert epoch.seconds == 3  # two until the end of the steps, and one for the validation
        assert (state.seconds, state.processor, state.step_seconds) == (3 * number, 9 * number, 2 * number)


@pytest.fixture
def variable_model():
    """Stands in for a compiled network with one variable."""
    optimizer = SimpleNamespace(build=lambda variables: None, variables=[])
    variable = np.zeros(2).view(Variable)
    return SimpleNamespace(optimizer=optimizer, trainable_variables=[], variables=[variable], weights=[variable])


class Variable(np.ndarray):
    """An array that can be assigned to."""

    def assign(self, value):
        self[...] = value


def test_the_state_keeps_both_measures(variable_model, tmp_path):
    state = TrainingState(best=[np.zeros(2)])
    state.add(Spent(2.0, 7.0))
    save_state(tmp_path / "state.npz", "this", state, variable_model)
    found = load_state(tmp_path / "state.npz", "this", variable_model, lambda epoch: None)
    assert (found.seconds, found.processor) == (2.0, 7.0)


def test_a_training_that_an_earlier_version_began_has_no_processor_seconds(variable_model, tmp_path):
    """The seconds of its first epochs are not known in that measure, so the sum is not known either."""
    path = tmp_path / "state.npz"
    save_state(path, "this", TrainingState(best=[np.zeros(2)], seconds=2.0), variable_model)
    with np.load(path) as saved:
        arrays = dict(saved)
    record = json.loads(arrays["record"].tobytes())
    del record["processor"]
    np.savez(path, **arrays | {"record": np.frombuffer(json.dumps(record).encode(), np.uint8)})
    found = load_state(path, "this", variable_model, lambda epoch: None)
    found.add(Spent(3.0, 5.0))
    assert (found.seconds, found.processor) == (5.0, None)
