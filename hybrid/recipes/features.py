"""The section ``[features]``: what is extracted, and what heads are fitted to."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from hybrid.embeddings.extract import VIEWS_OF
from hybrid.errors import unknown_name
from hybrid.extractors import parse_backbone
from hybrid.extractors.backbones.options import PENULTIMATE, POOLINGS, PRECISIONS, PREPROCESSINGS
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.views import MILD, Views
from hybrid.recipes.paths import backbone, weights_file
from hybrid.recipes.recipe import ExtractStep, FeatureStep, TrainStep
from hybrid.recipes.section import RecipeTable
from hybrid.recipes.steps import read_datasets, read_size
from hybrid.workspace.workspace import slug

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")


def read_features(
    section: RecipeTable, folder: Path, datasets: Sequence[str], trained: Sequence[TrainStep], seed: int
) -> tuple[tuple[ExtractStep, ...], tuple[FeatureStep, ...]]:
    """Return what to extract and the features made of it; without the section, those of each trained network.

    Several layers, poolings or seeds of a network stand for a feature each; a list of names stands for their
    embeddings side by side, those of all seeds where a network has several.
    """
    values = section.rest() or {step.called: {"network": step.called} for step in trained}
    networks: dict[str, list[TrainStep]] = {}
    for step in trained:
        networks.setdefault(step.called, []).append(step)
    networks |= {step.name: [step] for step in trained}
    extracted: dict[str, list[ExtractStep]] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            extracted[name] = list(_extractions(name, section.inner(name, value), folder, datasets, networks, seed))
    steps = {step.name: step for group in extracted.values() for step in group}
    features = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            features += [FeatureStep(step.name, (step.name,), step.data) for step in extracted[name]]
        else:
            features.append(_joined(name, value, section, extracted, steps))
    return tuple(steps.values()), tuple(features)


def _extractions(
    name: str,
    section: RecipeTable,
    folder: Path,
    datasets: Sequence[str],
    networks: Mapping[str, Sequence[TrainStep]],
    seed: int,
) -> Iterator[ExtractStep]:
    network, known = section.take("network", str | None, None), datasets
    parameters: dict[str, Any] = {}
    trained: list[str | None] = [None]
    if network is not None:
        if network not in networks:
            raise section.error("network", unknown_name("network", network, networks, "They are trained by [train]."))
        trained, known = [step.name for step in networks[network]], networks[network][0].data
    else:
        parameters["random_state"] = seed
        named, weights = section.take("backbone", str), section.take("weights", str, "auto")
        with section.naming("backbone"):
            parameters["backbone"] = backbone(named, folder)
            parse_backbone(parameters["backbone"])
        with section.naming("weights"):
            parameters["weights"] = weights_file(weights, folder)
        parameters["preprocessing"] = section.take_one("preprocessing", ("auto", *PREPROCESSINGS), "auto")
    parameters["size"] = read_size(section)
    parameters["interpolation"] = section.take_one("interpolation", _INTERPOLATIONS, "bilinear")
    parameters["precision"] = section.take_one("precision", PRECISIONS, PRECISIONS[0])
    data = read_datasets(section, known)
    layers, poolings, views = _layers(section), _poolings(section), _views(section, seed)
    views_of = section.take_one("views_of", VIEWS_OF, VIEWS_OF[0])
    section.finish()
    for one, cut, pooling in product(trained, layers, poolings):
        seeded = one.removeprefix(f"{network}-") if one and len(trained) > 1 else ""
        parts = [name, seeded, "+".join(cut) if len(layers) > 1 else "", pooling if len(poolings) > 1 else ""]
        cutting = {"layers": list(cut), "pooling": pooling}
        yield ExtractStep(slug(*filter(None, parts)), one, parameters | cutting, data, views, views_of)


def _layers(section: RecipeTable) -> list[list[str]]:
    """Return the cuts: each a list of layers whose embeddings are concatenated."""
    given = section.take("layers", str | list[str | list[str]], PENULTIMATE)
    return [[one] if isinstance(one, str) else one for one in ([given] if isinstance(given, str) else given)]


def _poolings(section: RecipeTable) -> list[str]:
    given = section.take("pooling", str | list[str], "avg")
    names = [given] if isinstance(given, str) else given
    for name in names:
        if name not in POOLINGS or name == "none":
            raise section.error("pooling", unknown_name("pooling", name, set(POOLINGS) - {"none"}))
    return names


def _views(section: RecipeTable, seed: int) -> Views | None:
    number, augment = section.take("views", int | None, None), section.take("augment", list[str] | None, None)
    if number is None:
        if augment is not None:
            raise section.error("augment", "it says what a view is: give views = K, the number of views, with it.")
        return None
    with section.naming("augment"):
        changes = MILD if augment is None else Augmentation.parse(augment)
    with section.naming("views"):
        return Views(number, changes, seed)


def _joined(
    name: str,
    value: Any,
    section: RecipeTable,
    extracted: Mapping[str, Sequence[ExtractStep]],
    steps: Mapping[str, ExtractStep],
) -> FeatureStep:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise section.error(name, f"{value!r} was given; expected a table, or a list of other features.")
    parts = []
    for one in value:
        if one in steps:
            parts.append(one)
        elif one in extracted and all(step.parameters == extracted[one][0].parameters for step in extracted[one]):
            parts += [step.name for step in extracted[one]]
        elif one in extracted:
            several = ", ".join(step.name for step in extracted[one])
            raise section.error(name, f"{one!r} stands for several features: name one of {several}.")
        else:
            raise section.error(name, unknown_name("feature", one, steps))
    data = tuple(name for name in steps[parts[0]].data if all(name in steps[part].data for part in parts))
    if not data:
        raise section.error(name, f"{', '.join(parts)} are of different datasets: they cannot be put side by side.")
    return FeatureStep(name, tuple(dict.fromkeys(parts)), data)
