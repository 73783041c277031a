"""Run a recipe: train, extract and fit what is not there yet, then compare."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hybrid.comparison.choice import PREFERENCES
from hybrid.datasets import load_dataset
from hybrid.embeddings.embedding_set import EmbeddingSet
from hybrid.errors import InputError
from hybrid.extractors import FeatureExtractor
from hybrid.pipelines.folds import parse_folds
from hybrid.recipes import Recipe
from hybrid.recipes.recipe import DataStep, EnsembleStep, FeatureStep, HeadStep
from hybrid.run.compare_results import compare_results
from hybrid.run.result import Comparison
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
from hybrid.workspace.workspace import LAST_NETWORK, Workspace, slug

_OUTPUT = "probabilities"  # the layer that is a network's own answer


def run_recipe(
    recipe: Recipe,
    workspace: Workspace,
    *,
    runtime: str = "auto",
    listener: RunProgress | None = None,
) -> Comparison:
    """Do what a recipe says, each step only if what it makes is not there yet, and compare the models.

    Parameters
    ----------
    recipe : Recipe
    workspace : Workspace
        Gets networks, embedding sets and models.
    runtime : {"auto", "openvino", "keras"}, default="auto"
        What runs the networks.
    listener : RunProgress, optional
        Is told how far the run is.

    Returns
    -------
    Comparison
        Of the recipe's models, and of no others that the workspace holds.

    Raises
    ------
    InputError
        If a step cannot be done.
    """
    told = listener or RunProgress()
    parts = [_OnDataset(recipe, step, workspace, runtime, told) for step in recipe.data]
    made = [part.models() for part in parts]
    names = [name for models in made for name in models.values()]
    protocol = recipe.protocol
    choose: str | list[str] = protocol.choose
    if choose not in PREFERENCES:
        choose = [models[protocol.choose] for models in made if protocol.choose in models]
    comparison = compare_results(
        load_records(workspace, names), metric=protocol.metric, choose=choose, fixed_by="the recipe"
    )
    if protocol.cv:
        comparison = _crossed(comparison, names, recipe, workspace, told)
    return replace(comparison, title=recipe.title, recipe=recipe.text)


def _crossed(
    comparison: Comparison, names: Sequence[str], recipe: Recipe, workspace: Workspace, listener: RunProgress
) -> Comparison:
    """Return the comparison with a cross-validation of its models; one that cannot be done costs nothing else."""
    from hybrid.comparison.cross_validate import cross_validate_models

    protocol = recipe.protocol
    folds, repeats = parse_folds(protocol.cv or "")
    listener.say(f"cross-validation: {folds} folds × {repeats}")
    try:
        with listener.progress("cross-validation") as progress:
            return comparison.cross_validated(
                cross_validate_models(
                    workspace,
                    folds=folds,
                    repeats=repeats,
                    seed=recipe.seed,
                    metric=protocol.metric,
                    models=names,
                    progress=progress,
                )
            )
    except InputError as error:
        return replace(comparison, notes=(*comparison.notes, f"Not cross-validated: {error}"))


class _OnDataset:
    """A recipe on one of its datasets."""

    def __init__(self, recipe: Recipe, step: DataStep, workspace: Workspace, runtime: str, listener: RunProgress):
        self.recipe, self.step, self.workspace, self.runtime, self.listener = recipe, step, workspace, runtime, listener
        self.dataset = load_dataset(**step.arguments)
        self.label = slug(step.name or self.dataset.name)
        listener.say(repr(self.dataset))

    def models(self) -> dict[str, str]:
        """Train, extract and fit; return the names of the models by what the recipe calls them."""
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
        """Return the paths of the networks, of the last epoch too where that is wanted, by the recipe's names."""
        paths = {}
        for step in self.recipe.train:
            if self.step.name in step.data:
                paths[step.name] = train_step(step, self.dataset, self._name(step.name), self.workspace, self.listener)
                if step.last:
                    paths[f"{step.name}-last"] = paths[step.name].with_name(LAST_NETWORK)
        return paths

    def _extract(self, networks: Mapping[str, Path]) -> dict[str, EmbeddingSet]:
        """Return the embedding sets by the recipe's names, those of the networks' outputs by their models' names."""
        wanted = {
            self._name("network", name): PendingExtraction(
                FeatureExtractor(path, layers=_OUTPUT, runtime=self.runtime), False
            )
            for name, path in networks.items()
        }
        for step in self.recipe.extract:
            if self.step.name in step.data:
                backbone: dict[str, Any] = {"backbone": networks[step.network]} if step.network else {}
                extractor = FeatureExtractor(**backbone, **step.parameters, runtime=self.runtime)
                wanted[self._name(step.name)] = PendingExtraction(extractor, True, step.views, step.views_of)
        found = extract_step(wanted, self.dataset, self.workspace, self.step.arguments["on_bad"], self.listener)
        return found | {step.name: found[self._name(step.name)] for step in self.recipe.extract}

    def _evaluate(self, name: str, path: Path, sets: Mapping[str, EmbeddingSet]) -> str:
        model, protocol = self._name("network", name), self.recipe.protocol
        network_step(path, protocol.options, sets[model], self.dataset, model, self.workspace, protocol.positive)
        return model

    def _fit(self, head: HeadStep, feature: FeatureStep, sets: Sequence[EmbeddingSet]) -> str:
        model, positive = self._name(head.name, feature.name), self.recipe.protocol.positive
        fit_step(head.head, head.options, sets, model, self.workspace, positive, self.listener)
        return model

    def _average(self, step: EnsembleStep, feature: FeatureStep, names: Mapping[tuple[str, str], str]) -> str:
        """Fit the ensemble of the models of a feature, or of each of its parts where it has several."""
        model, positive = self._name(step.name, feature.name), self.recipe.protocol.positive
        wanted = [(head, part) for part in feature.parts for head in step.heads]
        if step.network:
            wanted += [
                ("network", one.network) for one in self.recipe.extract if one.network and one.name in feature.parts
            ]
        members = list(dict.fromkeys(names[key] for key in wanted if key in names))
        ensemble_step(members, step.weights, step.options, model, self.workspace, positive, self.listener)
        return model

    def _name(self, *words: str) -> str:
        return slug(*words, self.label)
