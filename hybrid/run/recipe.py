"""Run a recipe: train networks, extract embeddings, fit models and compare them. Finished steps are not repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hybrid.comparison.choice import PREFERENCES
from hybrid.datasets import Dataset, load_dataset
from hybrid.datasets.load import is_named
from hybrid.datasets.readers.named import NAMES
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.extractors.backbones.pretrained import Pretrained
from hybrid.files.object_store import is_address
from hybrid.models.adjust import positive_class
from hybrid.pipelines.folds import parse_folds
from hybrid.recipes import Recipe
from hybrid.recipes.recipe import DataStep, EnsembleStep, ExtractStep, FeatureStep, HeadStep
from hybrid.run.compare_results import compare_results
from hybrid.run.comparison import Comparison
from hybrid.run.stated import stated
from hybrid.run.steps import (
    PendingExtraction,
    RunProgress,
    ensemble_step,
    extract_step,
    fit_step,
    network_step,
    train_step,
)
from hybrid.workspace.fitted_models import load_records
from hybrid.workspace.history import PLANNED, Event, History, Plan
from hybrid.workspace.workspace import LAST_NETWORK, Workspace, slug

_OUTPUT = "probabilities"  # the output layer of a network


def run_recipe(
    recipe: Recipe,
    workspace: Workspace,
    *,
    runtime: str = "auto",
    hide_test: bool = False,
    listener: RunProgress | None = None,
) -> Comparison:
    """Run the steps of a recipe whose results do not exist yet, and compare the models.

    Parameters
    ----------
    recipe : Recipe
    workspace : Workspace
        Networks, embedding sets and models are saved here.
    runtime : {"auto", "openvino", "keras"}, default="auto"
        The library that runs the networks.
    hide_test : bool, default=False
        Whether to compare the models on validation, so that no score on test is shown.
    listener : RunProgress, optional
        Receives progress updates. By default they are discarded.

    Returns
    -------
    Comparison
        It contains only the models of the recipe, not others of the workspace.

    Raises
    ------
    InputError
        If a step fails because of its input.
    """
    listener = listener or RunProgress()
    _check_files(recipe)
    _add_plan(recipe, workspace)
    runs = [_DatasetRun(recipe, step, workspace, runtime, listener) for step in recipe.data]
    _check_positive(recipe, [run.dataset for run in runs])
    models_by_run = [run.models() for run in runs]
    names = [name for models in models_by_run for name in models.values()]
    protocol = recipe.protocol
    choose: str | list[str] = protocol.choose
    if choose not in PREFERENCES:
        choose = [models[protocol.choose] for models in models_by_run if protocol.choose in models]
    locked = History(workspace).is_locked
    if locked:
        listener.say("Scores on test are locked in this workspace, so the models are compared on validation.")
    split = "val" if locked or hide_test else "test"
    references = [models[name] for models in models_by_run for name in protocol.tested.references if name in models]
    tested, records = replace(protocol.tested, references=tuple(references)), load_records(workspace, names)
    for sentence in stated(records, split, protocol.metric, tested):
        listener.say(f"{sentence}.")
    comparison = compare_results(
        records,
        split=split,
        metric=protocol.metric,
        choose=choose,
        fixed_by="the recipe",
        tested=tested,
        per_group=protocol.per_group,
        subgroups=protocol.by,
        fixed_classes=protocol.fixed_classes,
        by="hybrid run",
    )
    if protocol.cv or protocol.cv_domains:
        comparison = _cross_validated(comparison, names, recipe, workspace, listener)
    return replace(comparison, title=recipe.title, recipe=recipe.text)


def _add_plan(recipe: Recipe, workspace: Workspace) -> None:
    """Add what the recipe decides to the history of the workspace, before any data are read."""
    history, protocol, tested = History(workspace), recipe.protocol, recipe.protocol.tested
    metric, reference = protocol.metric or next(iter(tested.primary), None), next(iter(tested.references), None)
    plan = Plan(metric, protocol.choose, reference, tested.margin, tuple(n for n in tested.primary if n != metric))
    if history.plan is None or history.plan != plan != Plan():
        history.add(Event(PLANNED, by=recipe.path.name, plan=plan))


def _check_positive(recipe: Recipe, datasets: Sequence[Dataset]) -> None:
    """Check the positive class that a recipe names, before anything is trained or extracted."""
    for dataset in datasets if recipe.protocol.positive is not None else ():
        try:
            positive_class(dataset, recipe.protocol.positive)
        except InputError as error:
            raise InputError(f"{recipe.path.name}: [protocol] positive: {error}") from error


def _check_files(recipe: Recipe) -> None:
    """Check the files of data, networks and weights that a recipe names, before any data are read."""
    for data in recipe.data:
        for key, place in (("source", data.arguments["data"]), ("image_root", data.arguments.get("image_root"))):
            if place is not None and not is_named(place) and not is_address(place) and not Path(place).exists():
                where = f"[data.{data.name}]" if data.name else "[data]"
                nearest = get_close_matches(Path(place).name, NAMES, n=1, cutoff=0.6)
                hint = f" Nearest name: {nearest[0]!r}." if nearest else ""
                raise InputError(f"{recipe.path.name}: {where} {key}: There is no file or folder {place!r}.{hint}")
    for key, step in [("train", step) for step in recipe.train] + [("features", step) for step in recipe.extract]:
        try:
            if isinstance(step, ExtractStep):
                if step.network is None:
                    FeatureExtractor(**step.parameters).check_network()
            elif isinstance(step.architecture, Pretrained):
                step.architecture.check_files()
        except InputError as error:
            raise InputError(f"{recipe.path.name}: [{key}.{step.name}]: {error}") from error


def _cross_validated(
    comparison: Comparison, names: Sequence[str], recipe: Recipe, workspace: Workspace, listener: RunProgress
) -> Comparison:
    """Return the comparison with a cross-validation of its models, or with a note if that fails."""
    from hybrid.comparison.cross_validate import cross_validate_models

    protocol = recipe.protocol
    folds, repeats = parse_folds(protocol.cv or "5")
    left_out = f"each {protocol.cv_domains} left out" if protocol.cv_domains else f"{folds} folds × {repeats}"
    listener.say(f"cross-validation: {left_out}")
    try:
        with listener.progress("cross-validation") as progress:
            return comparison.cross_validated(
                cross_validate_models(
                    workspace,
                    folds=folds,
                    repeats=repeats,
                    seed=recipe.seed,
                    metric=protocol.metric,
                    domains=protocol.cv_domains,
                    models=names,
                    progress=progress,
                )
            )
    except InputError as error:
        return replace(comparison, notes=(*comparison.notes, f"The models were not cross-validated: {error}"))


class _DatasetRun:
    """The run of a recipe on one of its datasets."""

    def __init__(self, recipe: Recipe, step: DataStep, workspace: Workspace, runtime: str, listener: RunProgress):
        self.recipe, self.step, self.workspace, self.runtime, self.listener = recipe, step, workspace, runtime, listener
        self.dataset = load_dataset(**step.arguments)
        self.label = slug(step.name or self.dataset.name)
        for text in (repr(self.dataset), *(f"  · {note}" for note in self.dataset.notes)):
            listener.say(text)

    def models(self) -> dict[str, str]:
        """Train, extract and fit; return the names of the models, keyed by their names in the recipe."""
        networks = self._train()
        sets = self._extract(networks)
        names = {("network", name): self._evaluate(name, path, sets) for name, path in networks.items()}
        features = [step for step in self.recipe.features if self.step.name in step.data]
        for head in self.recipe.heads:
            for feature in features:
                if feature.name in head.features:
                    names[head.name, feature.name] = self._fit(head, feature, [sets[part] for part in feature.parts])
        for ensemble in self.recipe.ensembles:
            for feature in features:
                if feature.name in ensemble.features:
                    names[ensemble.name, feature.name] = self._average(ensemble, feature, names)
        return {slug(*key): name for key, name in names.items()}

    def _train(self) -> dict[str, Path]:
        """Train networks; return their paths by name, including the network of the last epoch if a step asks for it."""
        paths = {}
        for step in self.recipe.train:
            if self.step.name in step.data:
                paths[step.name] = train_step(step, self.dataset, self._name(step.name), self.workspace, self.listener)
                if step.last:
                    paths[f"{step.name}-last"] = paths[step.name].with_name(LAST_NETWORK)
        return paths

    def _extract(self, networks: Mapping[str, Path]) -> dict[str, EmbeddingSet]:
        """Return the embedding sets by their names in the recipe; sets of network outputs by the name of the model."""
        pending = {
            self._name("network", name): PendingExtraction(
                FeatureExtractor(path, layers=_OUTPUT, runtime=self.runtime), False
            )
            for name, path in networks.items()
        }
        for step in self.recipe.extract:
            if self.step.name in step.data:
                backbone: dict[str, Any] = {"backbone": networks[step.network]} if step.network else {}
                extractor = FeatureExtractor(**backbone, **step.parameters, runtime=self.runtime)
                pending[self._name(step.name)] = PendingExtraction(extractor, True, step.views, step.views_of)
        sets = extract_step(pending, self.dataset, self.workspace, self.step.arguments["on_bad"], self.listener)
        return sets | {step.name: sets[self._name(step.name)] for step in self.recipe.extract}

    def _evaluate(self, name: str, path: Path, sets: Mapping[str, EmbeddingSet]) -> str:
        model, protocol = self._name("network", name), self.recipe.protocol
        network_step(
            path, protocol.options, sets[model], self.dataset, model, self.workspace, protocol.positive, self.listener
        )
        return model

    def _fit(self, head: HeadStep, feature: FeatureStep, sets: Sequence[EmbeddingSet]) -> str:
        model, positive = self._name(head.name, feature.name), self.recipe.protocol.positive
        fit_step(head.head, head.options, sets, model, self.workspace, positive, self.listener)
        return model

    def _average(self, step: EnsembleStep, feature: FeatureStep, names: Mapping[tuple[str, str], str]) -> str:
        """Fit an ensemble of the models of a feature, or of the models of each part if the feature has several."""
        model, positive = self._name(step.name, feature.name), self.recipe.protocol.positive
        keys = [(head, part) for part in feature.parts for head in step.heads]
        if step.network:
            keys += [
                ("network", extraction.network)
                for extraction in self.recipe.extract
                if extraction.network and extraction.name in feature.parts
            ]
        members = list(dict.fromkeys(names[key] for key in keys if key in names))
        ensemble_step(members, step.weights, step.options, model, self.workspace, positive, self.listener)
        return model

    def _name(self, *words: str) -> str:
        return slug(*words, self.label)
