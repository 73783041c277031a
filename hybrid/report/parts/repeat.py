"""The last part of the report: how to repeat it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hybrid._version import __version__
from hybrid.report.elements.inputs import ReportInputs
from hybrid.report.elements.words import plural
from hybrid.report.parts.part import Part
from hybrid.workspace.private_paths import place_name, without_places

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

Facts = list[tuple[str, str]]


def repeat(group: "Leaderboard", material: ReportInputs, recipe: str) -> Part:
    """Return recipe, versions, seeds and fingerprints, and the settings of each extractor and model."""
    blocks = [
        {"title": f"Extractor of {name}", "facts": _extractor(found.info["extractor"])}
        for name, found in material.sets.items()
    ]
    blocks += [{"title": f"Model {model['model']}", "facts": _model(model)} for model in group.models]
    content = {"facts": _facts(group, material), "recipe": without_places(recipe).splitlines(), "blocks": blocks}
    lead = ["The same data, settings, seeds and versions give the same figures."]
    return Part("repeat", "How to repeat it", lead, content=content)


def _facts(group: "Leaderboard", material: ReportInputs) -> Facts:
    result, about = group.evaluations[0], material.about_data
    facts = [("data", _plain(about.get("source", group.dataset))), ("fingerprint of the data", group.fingerprint)]
    arguments = {key: value for key, value in (about.get("arguments") or {}).items() if value is not None}
    facts += [(f"data: {key}", _plain(value)) for key, value in arguments.items() if key != "data"]
    intervals = f"{result.level:.0%}, {plural(result.n_boot, 'bootstrap draw')}, seed {result.seed}"
    facts += [("intervals", intervals), ("hybrid", __version__)]
    versions: Mapping[str, str] = next((manifest.versions for manifest in material.manifests.values()), {})
    facts += [(name, str(version)) for name, version in versions.items() if name != "hybrid"]
    return [*facts, ("written", datetime.now(UTC).isoformat(timespec="seconds"))]


def _extractor(record: Mapping[str, Any]) -> Facts:
    facts = [("fingerprint", record["fingerprint"])]
    for part in ("params", "identity"):
        values = record.get(part, {})
        values = values.get("fields", values) if isinstance(values, Mapping) else {}
        facts += [(key, _plain(value)) for key, value in values.items() if value is not None and key != "cache"]
    return facts


def _model(model: Mapping[str, Any]) -> Facts:
    keys = (
        "head",
        "set",
        "extractor_fingerprint",
        "created",
        "positive",
        "threshold",
        "aim",
        "params",
        "tuning",
        "weights",
    )
    return [(key.replace("_", " "), _plain(model[key])) for key in keys if model.get(key) not in (None, {}, [])]


def _plain(value: Any) -> str:
    """Return a setting as text: words as they are but for places, everything else as JSON."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(one)}" for key, one in value.items())
    if isinstance(value, list):
        value = [place_name(one) for one in value]
    return place_name(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
