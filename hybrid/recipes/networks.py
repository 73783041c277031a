"""Read the section ``[train]``: which networks are trained, and with which options."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.layer_table import check_layers, check_least_size, check_options
from hybrid.extractors.backbones.parameters import resolve_size
from hybrid.extractors.backbones.pretrained import Pretrained, Trainable, parse_trainable
from hybrid.recipes.paths import weights_file
from hybrid.recipes.recipe import TrainStep
from hybrid.recipes.section import RecipeTable
from hybrid.recipes.steps import read_datasets, read_size
from hybrid.training import FineTuning, TrainingOptions


def read_train(section: RecipeTable, datasets: Sequence[str], folder: Path, seed: int) -> tuple[TrainStep, ...]:
    """Read the section ``[train]``.

    Each table ``[train.NAME]`` defines one network, or several that differ only in their seed. Keys of ``[train]``
    itself are the defaults of all networks.

    Parameters
    ----------
    section : RecipeTable
    datasets : sequence of str
        Names of the datasets.
    folder : Path
        Folder of the recipe, to which paths are relative.
    seed : int
        Default seed of the networks.

    Returns
    -------
    tuple of TrainStep

    Raises
    ------
    InputError
        If the section is invalid. The message names the file and the key.
    """
    values = section.rest()
    shared = {key: value for key, value in values.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    if shared and not tables:
        raise section.error(next(iter(shared)), "it belongs to no network. Give a table [train.NAME] for each network.")
    steps = [
        step
        for name, table in tables.items()
        for step in _networks(name, section.inner(name, {**shared, **table}), datasets, folder, seed)
    ]
    names = [step.name for step in steps]
    for step in steps:
        if names.count(step.name) > 1:
            raise section.error(step.base_name, f"another network is also called {step.name!r}. Choose another name.")
    return tuple(steps)


def _networks(name: str, section: RecipeTable, datasets: Sequence[str], folder: Path, seed: int) -> list[TrainStep]:
    network = _network(name, section, folder)
    options = _options(section, network, seed)
    seeds = section.take("seeds", int, 1)
    if seeds < 1:
        raise section.error("seeds", f"{seeds} was given; expected the number of seeds, 1 or more.")
    size, data = read_size(section), read_datasets(section, datasets)
    if isinstance(network, Pretrained):
        _check_pretrained(network, options, size, section)
    last = section.take("last", bool, False)
    section.finish()
    numbers = range(options.random_state, options.random_state + seeds)
    names = {number: f"{name}-seed{number}" if seeds > 1 else name for number in numbers}
    return [
        TrainStep(names[number], name, network, replace(options, random_state=number), size, data, last)
        for number in numbers
    ]


def _check_pretrained(
    network: Pretrained, options: TrainingOptions, size: int | tuple[int, int] | None, section: RecipeTable
) -> None:
    """Check the options and layers of a pretrained network, and the size of its images."""
    with section.naming("arch"):
        check_options(network.spec)
    with section.naming("size"):
        check_least_size(network.spec, resolve_size(size))
    unfreeze = options.fine_tuning.unfreeze if options.fine_tuning else 0
    if isinstance(unfreeze, str) and unfreeze != "all":
        with section.naming("unfreeze"):
            check_layers(network.spec, [unfreeze])


def _network(name: str, section: RecipeTable, folder: Path) -> Trainable:
    """Return the network that is named by ``arch`` or described by ``layers``."""
    options = section.take_given({"dropout": float, "l2": float})
    if "layers" in section:
        lines = section.take("layers", list[str])
        with section.naming("layers"):
            return Architecture(name, lines, options)
    arch, weights = section.take("arch", str), section.take("weights", str, "auto")
    with section.naming("arch"):
        return parse_trainable(arch, weights_file(weights, folder), options)


def _options(section: RecipeTable, network: Trainable, seed: int) -> TrainingOptions:
    given = {"random_state": section.take("seed", int, seed)}
    given |= section.take_given(_field_types(TrainingOptions, "fine_tuning", "random_state"))
    fine_tuning = section.take_given(_field_types(FineTuning)) if isinstance(network, Pretrained) else None
    with section.naming():
        return TrainingOptions(**given, fine_tuning=None if fine_tuning is None else FineTuning(**fine_tuning))


def _field_types(options: type, *without: str) -> dict[str, Any]:
    """Return the types of the fields of a dataclass by name."""
    hints = get_type_hints(options)
    return {field.name: hints[field.name] for field in fields(options) if field.name not in without}
