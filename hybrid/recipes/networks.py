"""The section ``[train]``: which networks are trained, and how."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.pretrained import Pretrained, Trainable, parse_trainable
from hybrid.recipes.paths import weights_file
from hybrid.recipes.recipe import TrainStep
from hybrid.recipes.section import RecipeTable
from hybrid.recipes.steps import read_datasets, read_size
from hybrid.training import FineTuning, TrainingOptions


def read_train(section: RecipeTable, datasets: Sequence[str], folder: Path, seed: int) -> tuple[TrainStep, ...]:
    """Return the networks to train: each a table of ``[train]``, or several that differ in their seed.

    What ``[train]`` itself says holds for every network that does not say otherwise.
    """
    values = section.rest()
    shared = {key: value for key, value in values.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    if shared and not tables:
        raise section.error(next(iter(shared)), "it is of no network: give a table [train.NAME] for each.")
    steps = [
        step
        for name, table in tables.items()
        for step in _networks(name, section.inner(name, {**shared, **table}), datasets, folder, seed)
    ]
    names = [step.name for step in steps]
    for step in steps:
        if names.count(step.name) > 1:
            raise section.error(step.called, f"another network is called {step.name!r}, too.")
    return tuple(steps)


def _networks(name: str, section: RecipeTable, datasets: Sequence[str], folder: Path, seed: int) -> list[TrainStep]:
    network = _network(name, section, folder)
    options = _options(section, network, seed)
    seeds = section.take("seeds", int, 1)
    if seeds < 1:
        raise section.error("seeds", f"{seeds} was given; expected with how many seeds to train it, 1 or more.")
    size, data = read_size(section), read_datasets(section, datasets)
    last = section.take("last", bool, False)
    section.finish()
    numbers = range(options.seed, options.seed + seeds)
    names = {number: f"{name}-seed{number}" if seeds > 1 else name for number in numbers}
    return [
        TrainStep(names[number], name, network, replace(options, seed=number), size, data, last) for number in numbers
    ]


def _network(name: str, section: RecipeTable, folder: Path) -> Trainable:
    """Return the network that ``arch`` names, or that ``layers`` describe."""
    options = section.take_given({"dropout": float, "l2": float})
    if "layers" in section:
        lines = section.take("layers", list[str])
        with section.naming("layers"):
            return Architecture(name, lines, options)
    arch, weights = section.take("arch", str), section.take("weights", str, "auto")
    with section.naming("arch"):
        return parse_trainable(arch, weights_file(weights, folder), options)


def _options(section: RecipeTable, network: Trainable, seed: int) -> TrainingOptions:
    given = {"seed": seed} | section.take_given(_kinds(TrainingOptions, without="fine_tuning"))
    fine = section.take_given(_kinds(FineTuning)) if isinstance(network, Pretrained) else None
    with section.naming():
        return TrainingOptions(**given, fine_tuning=None if fine is None else FineTuning(**fine))


def _kinds(options: type, without: str = "") -> dict[str, Any]:
    """Return the types of a dataclass's fields by name."""
    hints = get_type_hints(options)
    return {field.name: hints[field.name] for field in fields(options) if field.name != without}
