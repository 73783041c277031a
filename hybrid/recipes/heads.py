"""Read the section ``[heads]``: which heads are fitted to which features, and with which settings."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from inspect import signature
from typing import Any, get_type_hints

from hybrid.classifiers import DEFAULT_HEADS, HEADS, make_head
from hybrid.errors import InputError, unknown_name
from hybrid.models.ensemble import WEIGHTS
from hybrid.models.options import HeadOptions
from hybrid.recipes.recipe import EnsembleStep, FeatureStep, HeadStep
from hybrid.recipes.section import RecipeTable

ENSEMBLE = "ensemble"
NAMES = (*HEADS, ENSEMBLE)
ADJUSTING = ("aim", "calibration", "prevalence", "folds", "repeats", "seed")  # settings that adjust fitted models

_SETTINGS = {
    field.name: get_type_hints(HeadOptions)[field.name]
    for field in fields(HeadOptions)
    if field.name not in ("params", "tune", "seed")
}
_POSITIVE = ("C", "n_estimators", "n_neighbors")
_TUNED_ON = {True: "cv", "cv": "cv", "val": "val"}
_CLASS_WEIGHTS = {"balanced": "balanced", "none": None}


def read_heads(
    section: RecipeTable, features: Sequence[FeatureStep], shared: Mapping[str, Any]
) -> tuple[tuple[HeadStep, ...], tuple[EnsembleStep, ...]]:
    """Read the section ``[heads]``.

    The heads are those named in ``use`` and one for each table. If neither is given, they are `DEFAULT_HEADS`.

    Parameters
    ----------
    section : RecipeTable
    features : sequence of FeatureStep
        Features that are available.
    shared : mapping
        Default settings of all heads.

    Returns
    -------
    heads : tuple of HeadStep
    ensembles : tuple of EnsembleStep

    Raises
    ------
    InputError
        If the section is invalid. The message names the file and the key.
    """
    used = section.take("use", list[str] | None, None)
    shared = {**shared, **head_settings(section)}
    tables = section.tables()
    if used is None:
        used = [] if tables else list(DEFAULT_HEADS)
    for name in used:
        if name not in (*NAMES, *tables):
            raise section.error("use", unknown_name("head", name, (*NAMES, *tables)))
    heads: list[HeadStep] = []
    ensembles: list[tuple[str, RecipeTable]] = []
    for name in dict.fromkeys([*used, *tables]):
        table = tables.get(name) or section.inner(name, {})
        kind = table.take("head", str, name)
        if kind == ENSEMBLE:
            ensembles.append((name, table))
        else:
            heads.append(_head(name, kind, table, shared, features))
    return tuple(heads), tuple(_ensemble(name, table, shared, heads, features) for name, table in ensembles)


def head_settings(section: RecipeTable) -> dict[str, Any]:
    """Return the settings for fitting heads that a section gives."""
    settings = section.take_given(_SETTINGS)
    tuned = section.take("tune", bool | str | None, None)
    if tuned:
        if tuned not in _TUNED_ON:
            raise section.error("tune", f"{tuned!r} was given; expected true, 'cv' or 'val'.")
        settings["tune"] = _TUNED_ON[tuned]
    elif tuned is False:
        settings["tune"] = None
    if "class_weight" in section:
        settings["class_weight"] = _CLASS_WEIGHTS[section.take_choice("class_weight", _CLASS_WEIGHTS, "balanced")]
    with section.naming():
        HeadOptions(**{key: value for key, value in settings.items() if key != "class_weight"})
    return settings


def _head(
    name: str, kind: str, section: RecipeTable, shared: Mapping[str, Any], features: Sequence[FeatureStep]
) -> HeadStep:
    if kind not in HEADS:
        raise section.error("head", unknown_name("head", kind, NAMES))
    settings = {**shared, **head_settings(section)}
    names = _features(section, features)
    parameters = {key: settings.pop(key) for key in ("class_weight",) if key in settings} | section.rest()
    with section.naming():
        make_head(kind, **parameters)
        _check_numbers(kind, parameters)
    return HeadStep(name, kind, HeadOptions(params=parameters, **settings), names)


def _check_numbers(kind: str, parameters: Mapping[str, Any]) -> None:
    """Raise `InputError` if a parameter of a head is text where its default is a number, or not above 0."""
    defaults = signature(HEADS[kind].load()).parameters
    for name, value in parameters.items():
        default = defaults[name].default
        if type(default) in (int, float) and type(value) not in (int, float):
            raise InputError(f"{name}={value!r} was given for the {kind} head; expected a number, such as {default}.")
        if name in _POSITIVE and value <= 0:
            raise InputError(f"{name}={value!r} was given for the {kind} head; expected a number above 0.")


def _ensemble(
    name: str,
    section: RecipeTable,
    shared: Mapping[str, Any],
    heads: Sequence[HeadStep],
    features: Sequence[FeatureStep],
) -> EnsembleStep:
    known = [step.name for step in heads]
    members = section.take("heads", list[str], known)
    for member in members:
        if member not in known:
            raise section.error("heads", unknown_name("head", member, known))
    if not members:
        raise section.error("heads", "an ensemble needs other heads. Name them here or in [heads] use.")
    settings = {key: value for key, value in {**shared, **head_settings(section)}.items() if key in ADJUSTING}
    step = EnsembleStep(
        name,
        tuple(members),
        network=section.take("network", bool, False),
        weights=section.take_choice("weights", WEIGHTS, "equal"),
        options=HeadOptions(**settings),
        features=_features(section, features),
    )
    section.finish()
    return step


def _features(section: RecipeTable, features: Sequence[FeatureStep]) -> tuple[str, ...]:
    known = [step.name for step in features]
    names = section.take("features", list[str], known)
    for name in names:
        if name not in known:
            raise section.error("features", unknown_name("feature", name, known))
    return tuple(names)
