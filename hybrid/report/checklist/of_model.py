"""Answers to the items on the model and its training. Each takes a `Run` and returns sentences, or none."""

from hybrid._version import __version__
from hybrid.report.checklist.run import Run
from hybrid.report.elements.words import listed, metric_name, score
from hybrid.report.parts.models import own_thresholds
from hybrid.wording import number
from hybrid.workspace.private_paths import place_name

_SHOWN_OPTIONS = ("epochs", "batch_size", "optimizer", "learning_rate", "schedule", "class_weight", "augment")


def architecture(run: Run) -> list[str]:
    """Backbone, layers, pooling and head."""
    model = run.model
    said = [
        f"{model.name}: the head {model.head} on {model.width} features of "
        f"{' and '.join(str(place_name(one)) for one in model.backbones) or 'several networks'}, "
        f"{'layers' if len(model.layers) > 1 else 'layer'} {listed(model.layers) if model.layers else 'not recorded'}."
    ]
    if model.parameters:
        said.append(f"The networks have {model.parameters:,} parameters.")
    said.append(f"Outputs: probabilities of {listed([str(one) for one in run.result.classes], 12)}.")
    return said


def software(run: Run) -> list[str]:
    """Versions of the packages that the model was saved with."""
    if run.manifest is None:
        return []
    return [f"{listed([f'{name} {version}' for name, version in run.manifest.versions.items()], 40)}."]


def initialisation(run: Run) -> list[str]:
    """Where the weights of the networks come from."""
    said = []
    for one in run.sets:
        params = one.record.extractor.params
        backbone = str(place_name(params["backbone"]))
        own = "those in its file" if backbone.endswith(".keras") else "the default weights of the backbone"
        weights = place_name(params.get("weights", "auto"))
        said.append(f"Weights of {backbone}: {own if weights == 'auto' else weights}.")
    for name, record in run.inputs.trainings.items():
        seed = "" if record.seed is None else f", seed {record.seed}"
        said.append(f"The network {name} ({record.arch}) was trained here{seed}.")
    return list(dict.fromkeys(said))


def training(run: Run) -> list[str]:
    """How the networks were trained, and how the head was fitted."""
    said = []
    for name, record in run.inputs.trainings.items():
        options = [f"{key} {_plain(record.options[key])}" for key in _SHOWN_OPTIONS if record.options.get(key)]
        best = record.best_epoch
        kept = f"best epoch {best}" if isinstance(best, int) else f"best epochs {_plain(best)}"
        said.append(f"The network {name}: {listed(options, 20)}; {kept}.")
    model = run.model
    params = [f"{key} {_plain(value)}" for key, value in model.params.items()]
    scaled = {True: "standardised features", False: "features as they are", None: ""}[model.scale]
    seed = "" if model.seed is None else f"seed {model.seed}"
    settings = [*filter(None, [scaled, seed]), *params]
    said += [f"The head {model.head}: {listed(settings, 30)}."] if settings else []
    if model.tuning is not None:
        on = "cross-validation in train" if model.tuning.on == "cv" else "validation"
        said.append(
            f"{number(model.tuning.settings_tried, 'setting was', 'settings were')} tried by {on}; the best "
            f"{metric_name(model.tuning.metric)} was {score(model.tuning.score)}."
        )
    return said


def selection(run: Run) -> list[str]:
    """Why this model was chosen, and how often test had been looked at."""
    choice, history = run.leaderboard.choice, run.leaderboard.history
    said = [choice.reason] if choice else []
    return said + (list(history.sentences()) if history else [])


def ensembling(run: Run) -> list[str]:
    """The members of an ensemble."""
    if not run.model.members:
        return ["The chosen model is a single model."]
    members = [f"{one.name} (weight {one.weight:g})" for one in run.model.members]
    how = "equal" if run.model.weights is None else f"chosen on {run.model.weights}"
    return [f"An ensemble of {listed(members, 20)}; the weights are {how}."]


def imbalance(run: Run) -> list[str]:
    """The weights of the classes."""
    model = run.model
    if model.scale is None:  # the output of a network, or an ensemble: no head was fitted
        return []
    if model.class_weight is None:
        return ["All images count alike in the fit of the head."]
    if model.class_weight == "balanced":
        return ["In the fit of the head, all classes count as much (balanced weights)."]
    return [f"Weights of the classes in the fit of the head: {_plain(model.class_weight)}."]


def output(run: Run) -> list[str]:
    """The thresholds, and how they were set."""
    model, result = run.model, run.result
    if result.task == "multiclass":
        return [
            "Probabilities of all classes; the most probable class, after the weights of the classes, is predicted."
        ]
    names = [str(result.positive)] if result.task == "binary" else [str(one) for one in result.classes]
    own = [f"{name} {value:g}" for name, value in zip(names, own_thresholds(model, len(names)), strict=True)]
    how = "follows from the weights of the classes"
    if model.threshold is not None:
        where = f" on {model.adjustment.on}" if model.adjustment else ""
        how = f"was chosen{where}{f' for the aim {model.aim}' if model.aim else ''}"
    return [f"Probabilities; threshold of {listed(own, 20)}, which {how}."]


def full_model(run: Run) -> list[str]:
    """Where the saved model is."""
    if run.manifest is None:
        return []
    place = "/".join(run.model.folder.absolute().parts[-2:])
    return [
        f"The whole model is saved in {place}/model of the workspace: {number(len(run.manifest.files), 'file')}, each "
        "with its SHA-256, read by hybrid.load_model."
    ]


def availability(run: Run) -> list[str]:
    """The software; data and model are for the author."""
    return [f"Software: hybrid {__version__}. The author adds where model and data can be had."]


def protocol(run: Run) -> list[str]:
    """The recipe and the plan."""
    plan = run.leaderboard.history.plan if run.leaderboard.history else None
    said = ["The whole comparison is described by the recipe in the report."] if run.recipe else []
    return said + ([f"Planned in advance ({plan.digest}): {plan}."] if plan else [])


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(place_name(value))
