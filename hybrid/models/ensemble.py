"""Fit an ensemble: heads on one embedding set or several, and models of the workspace, their probabilities averaged."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from hybrid.classifiers import DEFAULT_HEADS, HEADS
from hybrid.embeddings.embedding_set import EmbeddingSet, load_set
from hybrid.embeddings.extract import describe_extractor
from hybrid.embeddings.joined import JoinedSet, join_sets, joined_name, short_names
from hybrid.errors import InputError, unknown_name
from hybrid.models.adjust import adjust_model
from hybrid.models.finish import FittedModel, finish_model
from hybrid.models.options import HeadOptions
from hybrid.pipelines import Ensemble, choose_weights, load_model, make_ensemble
from hybrid.pipelines.build import extractors_of
from hybrid.pipelines.weighting import mixture_weights
from hybrid.workspace.fitted_models import load_record
from hybrid.workspace.model_record import Member
from hybrid.workspace.set_record import SetRecord
from hybrid.workspace.workspace import Workspace

WEIGHTS = {
    "equal": "every member counts the same",
    "val": "the most likely mixture on validation, drawn toward equal weights",
    "cv": "the same, by cross-validation inside train",
}


@dataclass(frozen=True)
class _Saved:
    """A model of the workspace as a member: its classifier, each of its extractors as a set, what fitting it took."""

    name: str
    head: str
    fit_seconds: float
    pipeline: Pipeline
    sets: tuple[EmbeddingSet, ...]


def fit_ensemble(
    embeddings: EmbeddingSet | Sequence[EmbeddingSet],
    workspace: Workspace,
    *,
    heads: Sequence[str] = DEFAULT_HEADS,
    models: Sequence[str] = (),
    weights: str = "equal",
    options: HeadOptions | None = None,
    positive: str | None = None,
    name: str | None = None,
) -> FittedModel:
    """Fit every head to every set, average their probabilities, evaluate the average on every split, and save it.

    Parameters
    ----------
    embeddings : EmbeddingSet or sequence of them
        Of one dataset; none, where there are `models` only.
    workspace : Workspace
        Where the models are, and where the ensemble is saved: ``models/NAME``.
    heads : sequence of str
        Names in `hybrid.classifiers.HEADS`; `DEFAULT_HEADS` by default.
    models : sequence of str
        Names of fitted models of the workspace, such as a trained network's own output: members as they are.
    weights : {"equal", "val", "cv"}, default="equal"
        How much each member counts: the same, or as :func:`hybrid.pipelines.choose_weights` chooses on validation or
        by cross-validation. Equal weights are what holds where new images differ from those that weights are
        chosen on.
    options : HeadOptions, optional
        How each head is fitted: `scale`, `pca` and `seed`. A head with other settings is fitted before, and named in
        `models`.
    positive : str, optional
        As in :func:`hybrid.models.fit.fit_head`.
    name : str, optional
        Of the ensemble; made of sets and models if not given.

    Returns
    -------
    FittedModel

    Raises
    ------
    InputError
        If sets and models are not of one dataset, there are no members, or the weights cannot be chosen as asked.
    """
    options = options or HeadOptions()
    sets = [embeddings] if isinstance(embeddings, EmbeddingSet) else list(embeddings)
    heads = list(heads) if sets else []
    _check_request(heads, models, weights, options)
    base = join_sets(sets or _set_behind(models[0], workspace))
    saved = [_saved(model, base.sets[0], workspace) for model in models]
    joined = _extend(base if sets else None, saved)
    X = joined.embeddings()
    started = time.perf_counter()
    ensemble = _fit_heads(base, heads, X, options) if sets else Ensemble([])
    if saved:
        ensemble = _with_saved(ensemble, saved, joined)
    if weights != "equal":
        ensemble.set_params(weights=_choose(ensemble, weights, joined, X, saved, options))
    pipeline, adjustment = adjust_model(Pipeline([("head", ensemble)]), X, joined, options, positive)
    seconds = time.perf_counter() - started + sum(one.fit_seconds for one in saved)
    origins = [(head, one.name) for one in base.sets for head in heads] + [(one.head, one.name) for one in saved]
    return finish_model(
        pipeline,
        X,
        joined,
        workspace,
        name or _name(heads, base.name if sets else "", models, weights, options),
        positive,
        head="ensemble",
        fit_seconds=seconds,
        params={"heads": heads, "models": list(models)},
        scale=options.scale,
        pca=options.pca,
        class_weight=options.class_weight,
        weights=None if weights == "equal" else weights,
        members=_members(ensemble, origins),
        seed=options.seed,
        aim=options.aim,
        calibration=options.calibration,
        adjustment=adjustment,
    )


def _fit_heads(base: JoinedSet, heads: Sequence[str], X: np.ndarray, options: HeadOptions) -> Ensemble:
    """Return every head on every set, fitted to train; the sets' columns are the first of X."""
    train = base.part(X[:, : sum(base.widths)], "train")
    ensemble = make_ensemble(
        base.widths,
        heads,
        names=short_names([one.name for one in base.sets])[1],
        scale=options.scale,
        pca=options.pca,
        params={head: options.seeded(head) for head in heads},
    )
    return ensemble.fit(train.X, train.y, groups=train.groups)


def _with_saved(own: Ensemble, saved: Sequence[_Saved], joined: JoinedSet) -> Ensemble:
    """Return the fitted heads and the saved models in one ensemble, all as they are."""
    stops = np.cumsum([0, *joined.widths]).tolist()
    place = {one.fingerprint: (stops[number], stops[number + 1]) for number, one in enumerate(joined.sets)}
    members = [(one.name, clone(one.pipeline), [place[part.fingerprint] for part in one.sets]) for one in saved]
    models = [*getattr(own, "models_", []), *(one.pipeline for one in saved)]
    return Ensemble([*own.members, *members]).adopt(models, stops[-1])


def _choose(
    ensemble: Ensemble, weights: str, joined: JoinedSet, X: np.ndarray, saved: Sequence[_Saved], options: HeadOptions
) -> list[float]:
    balanced = options.class_weight == "balanced"
    if weights == "val":
        val = joined.part(X, "val")
        if not len(val.y):
            raise InputError("There is no validation split to choose weights on: give --weights equal or cv.")
        return mixture_weights(ensemble.member_probabilities(val.X), val.y, ensemble.classes_, balanced=balanced)
    for embedding_set in joined.sets:
        _check_not_trained_on(embedding_set)
    if networks := [one.name for one in saved if one.head == "network"]:
        raise InputError(
            f"{networks[0]!r} is a network that was trained on the training images, so cross-validation on them would "
            "flatter it: give --weights val or equal."
        )
    train = joined.part(X, "train")
    return choose_weights(
        ensemble,
        train.X,
        train.y,
        groups=train.groups,
        cv=options.folds,
        repeats=options.repeats,
        random_state=options.seed,
        balanced=balanced,
    )


def _check_not_trained_on(embedding_set: EmbeddingSet) -> None:
    """Refuse cross-validation on features of a network that was trained on the same images: all of it would flatter."""
    train = embedding_set.split == "train"
    if known := int(embedding_set.in_training()[train].sum()):
        raise InputError(
            f"The network of the set {embedding_set.name!r} was trained on {known} of the {train.sum()} training "
            "images, so cross-validation on them would flatter its features: give --weights val or equal."
        )


def _check_request(heads: Sequence[str], models: Sequence[str], weights: str, options: HeadOptions) -> None:
    if weights not in WEIGHTS:
        raise unknown_name("way to weigh", weights, WEIGHTS)
    for head in heads:
        if head not in HEADS:
            raise unknown_name("head", head, HEADS)
    for kind, names in (("head", heads), ("model", models)):
        if twice := sorted({name for name in names if list(names).count(name) > 1}):
            raise InputError(f"The {kind} {twice[0]!r} was given twice: leave it out once.")
    if not heads and not models:
        raise InputError("An ensemble of nothing was asked for: give embedding sets and heads, or fitted models.")
    if set(options.params) - {"class_weight"} or options.tune:
        raise InputError(
            "An ensemble's heads are fitted with their defaults: fit one with settings of its own, or tuned, before, "
            "and make that model a member (--member)."
        )


def _sets_of(fingerprint: str, workspace: Workspace) -> dict[str, str]:
    """Return the names of the embedding sets of a dataset, by their extractors' fingerprints."""
    records = {path.stem: SetRecord.read(path) for path in workspace.records("sets")}
    return {
        record.extractor.fingerprint: name
        for name, record in records.items()
        if record.dataset.fingerprint == fingerprint
    }


def _set_behind(model: str, workspace: Workspace) -> EmbeddingSet:
    """Return an embedding set of the images that a model was fitted to: it says which they are."""
    names = _sets_of(load_record(workspace, model).dataset_fingerprint, workspace)
    if not names:
        raise InputError(
            f"There is no embedding set of the images that {model!r} was fitted to: run `hybrid extract` on them "
            "first, with the same split and seed."
        )
    return load_set(workspace, next(iter(names.values())))


def _saved(model: str, base: EmbeddingSet, workspace: Workspace) -> _Saved:
    """Return a model of the workspace, which must be of the same dataset as a set."""
    record, dataset = load_record(workspace, model), base.record.dataset
    if record.dataset_fingerprint != dataset.fingerprint:
        raise InputError(
            f"The model {model!r} was fitted to other images, labels or another split than those of the set "
            f"{base.name!r}: fit it to the same."
        )
    whole = load_model(workspace.models / model / "model")
    extractors = extractors_of(whole[0])
    names = _sets_of(dataset.fingerprint, workspace)
    cost = record.seconds.extract
    of_model = replace(
        base.record,
        dataset=replace(dataset, warnings=record.warnings),
        trained=record.trained,
        cost=None if cost is None else cost / len(extractors),
        views=None,
    )
    sets = [
        load_set(workspace, names[extractor.fingerprint])
        if extractor.fingerprint in names
        else replace(
            base, name=model, view_keys=None, record=replace(of_model, extractor=describe_extractor(extractor))
        )
        for extractor in extractors
    ]
    return _Saved(model, record.head, record.seconds.fit or 0.0, whole[1:], tuple(sets))


def _extend(base: JoinedSet | None, saved: Sequence[_Saved]) -> JoinedSet:
    """Return the sets, and after them those of the saved models whose extractors are not among them yet."""
    sets = {one.fingerprint: one for one in (base.sets if base else ())}
    for model in saved:
        for one in model.sets:
            sets.setdefault(one.fingerprint, one)
    return join_sets(list(sets.values()))


def _members(ensemble: Ensemble, origins: Sequence[tuple[str, str]]) -> tuple[Member, ...]:
    """Return the record of each member; `origins` are its head, and its set or model."""
    rows = zip(ensemble.members, origins, ensemble.shares.tolist(), strict=True)
    return tuple(Member(name, head, origin, round(share, 6)) for (name, *_), (head, origin), share in rows)


def _name(heads: Sequence[str], sets: str, models: Sequence[str], weights: str, options: HeadOptions) -> str:
    """Return a name that tells ensembles apart by what they are made of."""
    some = "+".join(heads) if heads and set(heads) != set(DEFAULT_HEADS) else ""
    made_of = "+".join([sets, *models] if sets else models)
    parts = ["ensemble", "" if weights == "equal" else weights, some, *options.words, made_of]
    return joined_name(["-".join(part for part in parts if part)])
