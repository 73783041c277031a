"""Read the section ``[features]``: the embeddings to extract and the features to which heads are fitted."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from hybrid.embeddings.extract import VIEWS_OF
from hybrid.errors import unknown_name
from hybrid.extractors import parse_backbone
from hybrid.extractors.backbones.custom import Architecture
from hybrid.extractors.backbones.layer_table import check_layers, check_least_size, check_options
from hybrid.extractors.backbones.options import PENULTIMATE, POOLINGS, PRECISIONS, PREPROCESSINGS
from hybrid.extractors.backbones.parameters import resolve_size
from hybrid.extractors.backbones.pretrained import Trainable
from hybrid.extractors.backbones.table import BackboneSpec
from hybrid.extractors.images.augment import Augmentation
from hybrid.extractors.images.views import MILD, Views
from hybrid.recipes.paths import backbone, weights_file
from hybrid.recipes.recipe import ExtractStep, FeatureStep, TrainStep
from hybrid.recipes.section import RecipeTable
from hybrid.recipes.steps import read_datasets, read_size
from hybrid.workspace.workspace import slug

_ANY_SHAPE = (64, 64, 3)  # the names of layers do not depend on it
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")


def read_features(
    section: RecipeTable, folder: Path, datasets: Sequence[str], trained: Sequence[TrainStep], seed: int
) -> tuple[tuple[ExtractStep, ...], tuple[FeatureStep, ...]]:
    """Read the section ``[features]``.

    Without the section, the features are those of each trained network. A table with several layers or poolings, or of
    a network that is trained with several seeds, defines one feature for each combination. A list of names defines a
    feature that concatenates their embeddings, including those of all seeds of a network.

    Parameters
    ----------
    section : RecipeTable
    folder : Path
        Folder of the recipe, to which paths are relative.
    datasets : sequence of str
        Names of the datasets.
    trained : sequence of TrainStep
        Networks that are trained by the recipe.
    seed : int
        Seed of random weights and of views.

    Returns
    -------
    extractions : tuple of ExtractStep
    features : tuple of FeatureStep

    Raises
    ------
    InputError
        If the section is invalid. The message names the file and the key.
    """
    values = section.rest() or {step.base_name: {"network": step.base_name} for step in trained}
    networks: dict[str, list[TrainStep]] = {}
    for step in trained:
        networks.setdefault(step.base_name, []).append(step)
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
            features.append(_concatenated(name, value, section, extracted, steps))
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
    spec: BackboneSpec | None = None
    trained: list[str | None] = [None]
    if network is not None:
        if network not in networks:
            raise section.error(
                "network", unknown_name("network", network, networks, "Networks are defined in [train].")
            )
        trained, known = [step.name for step in networks[network]], networks[network][0].data
    else:
        parameters["random_state"] = seed
        backbone_name, weights = section.take("backbone", str), section.take("weights", str, "auto")
        with section.naming("backbone"):
            parameters["backbone"] = backbone(backbone_name, folder)
            spec = parse_backbone(parameters["backbone"])
            check_options(spec)
            if spec.row is not None and spec.row.kind == "custom":
                Architecture.parse(parameters["backbone"])
        with section.naming("weights"):
            parameters["weights"] = weights_file(weights, folder)
        parameters["preprocessing"] = section.take_choice("preprocessing", ("auto", *PREPROCESSINGS), "auto")
    parameters["size"] = read_size(section)
    if spec is not None:
        with section.naming("size"):
            check_least_size(spec, resolve_size(parameters["size"]))
    parameters["interpolation"] = section.take_choice("interpolation", _INTERPOLATIONS, "bilinear")
    parameters["precision"] = section.take_choice("precision", PRECISIONS, PRECISIONS[0])
    data = read_datasets(section, known)
    layers, poolings, views = _layers(section), _poolings(section), _views(section, seed)
    with section.naming("layers"):
        for cut in layers:
            if spec is not None:
                check_layers(spec, cut)
            elif network is not None:
                _check_trained_layers(networks[network][0].architecture, cut)
    views_of = section.take_choice("views_of", VIEWS_OF, VIEWS_OF[0])
    section.finish()
    for trained_name, cut, pooling in product(trained, layers, poolings):
        with_seed = trained_name.removeprefix(f"{network}-") if trained_name and len(trained) > 1 else ""
        parts = [name, with_seed, "+".join(cut) if len(layers) > 1 else "", pooling if len(poolings) > 1 else ""]
        cut_parameters = {"layers": list(cut), "pooling": pooling}
        yield ExtractStep(slug(*filter(None, parts)), trained_name, parameters | cut_parameters, data, views, views_of)


def _layers(section: RecipeTable) -> list[list[str]]:
    """Return the cuts. Each is a list of layers whose embeddings are concatenated."""
    given = section.take("layers", str | list[str | list[str]], PENULTIMATE)
    cuts = [given] if isinstance(given, str) else given
    return [[cut] if isinstance(cut, str) else cut for cut in cuts]


def _check_trained_layers(network: Trainable, layers: Sequence[str]) -> None:
    """Raise `InputError` if a network that is trained from scratch has no layer of a name."""
    if isinstance(network, Architecture):
        known = network.layer_names(_ANY_SHAPE)
        for layer in layers:
            if layer not in (*known, PENULTIMATE):
                raise unknown_name("layer", layer, known, f"It is not in the network {network.label!r}.")


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
            raise section.error("augment", "it applies only to views. Give the number of views too, as in views = 4.")
        return None
    with section.naming("augment"):
        changes = MILD if augment is None else Augmentation.parse(augment)
    with section.naming("views"):
        return Views(number, changes, seed)


def _concatenated(
    name: str,
    value: Any,
    section: RecipeTable,
    extracted: Mapping[str, Sequence[ExtractStep]],
    steps: Mapping[str, ExtractStep],
) -> FeatureStep:
    if not isinstance(value, list) or not value or not all(isinstance(part, str) for part in value):
        raise section.error(name, f"{value!r} was given; expected a table or a list of other features.")
    parts = []
    for part in value:
        if part in steps:
            parts.append(part)
        elif part in extracted and all(step.parameters == extracted[part][0].parameters for step in extracted[part]):
            parts += [step.name for step in extracted[part]]
        elif part in extracted:
            names = ", ".join(step.name for step in extracted[part])
            raise section.error(name, f"{part!r} stands for several features. Name one of them: {names}.")
        else:
            raise section.error(name, unknown_name("feature", part, steps))
    data = tuple(name for name in steps[parts[0]].data if all(name in steps[part].data for part in parts))
    if not data:
        raise section.error(name, f"{', '.join(parts)} belong to different datasets, so they cannot be concatenated.")
    return FeatureStep(name, tuple(dict.fromkeys(parts)), data)
