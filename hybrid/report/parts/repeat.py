"""The last part of the report: how to reproduce its results."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid._version import __version__
from hybrid.report.elements.inputs import ReportInputs
from hybrid.report.elements.words import plural
from hybrid.report.parts.part import Part
from hybrid.workspace.model_record import ModelRecord
from hybrid.workspace.private_paths import place_name, without_places
from hybrid.workspace.records import as_json
from hybrid.workspace.set_record import ExtractorRecord

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

Facts = list[tuple[str, str]]


def repeat(leaderboard: "Leaderboard", report_inputs: ReportInputs, recipe: str) -> Part:
    """Return the recipe, versions, seeds and fingerprints, and the settings of each extractor and model."""
    blocks = [
        {"title": f"Extractor of {name}", "facts": _extractor(embedding_set.record.extractor)}
        for name, embedding_set in report_inputs.sets.items()
    ]
    blocks += [{"title": f"Model {model.name}", "facts": _model(model)} for model in leaderboard.models]
    content = {
        "facts": _facts(leaderboard, report_inputs),
        "recipe": without_places(recipe).splitlines(),
        "blocks": blocks,
    }
    lead = ["The same data, settings, seeds and versions give the same scores."]
    return Part("repeat", "How to reproduce it", lead, content=content)


def _facts(leaderboard: "Leaderboard", report_inputs: ReportInputs) -> Facts:
    result, dataset_record = leaderboard.evaluations[0], report_inputs.dataset_record
    source, arguments = (
        (dataset_record.source, dataset_record.arguments or {}) if dataset_record else (leaderboard.dataset, {})
    )
    facts = [("data", _plain(source)), ("fingerprint of the data", leaderboard.fingerprint)]
    given = {key: value for key, value in arguments.items() if value is not None and key != "data"}
    facts += [(f"data: {key}", _plain(value)) for key, value in given.items()]
    intervals = (
        f"{result.level:.0%}, {plural(result.n_boot, 'bootstrap draw')}, seed {result.seed}; for {result.population}"
    )
    facts += [("intervals", intervals), ("hybrid", __version__)]
    versions: Mapping[str, str] = next((manifest.versions for manifest in report_inputs.manifests.values()), {})
    facts += [(name, str(version)) for name, version in versions.items() if name != "hybrid"]
    return [*facts, ("written", datetime.now(UTC).isoformat(timespec="seconds"))]


def _extractor(record: ExtractorRecord) -> Facts:
    facts = [("fingerprint", record.fingerprint)]
    for values in (record.params, record.identity.fields):
        facts += [(key, _plain(value)) for key, value in values.items() if value is not None and key != "cache"]
    return facts


def _model(model: ModelRecord) -> Facts:
    facts = {
        "head": model.head,
        "set": _one_or_list(model.sets),
        "extractor fingerprint": _one_or_list(model.extractor_fingerprints),
        "created": model.created,
        "positive": model.positive,
        "threshold": model.threshold,
        "aim": model.aim,
        "params": model.params,
        "tuning": as_json(model.tuning),
        "weights": model.weights,
    }
    return [(name, _plain(value)) for name, value in facts.items() if value not in (None, {}, ())]


def _one_or_list(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _plain(value: Any) -> str:
    """Return a setting as text: strings without private paths, other values as JSON."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(setting)}" for key, setting in value.items())
    if isinstance(value, (list, tuple)):
        value = [place_name(item) for item in value]
    return place_name(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
