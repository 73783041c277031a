"""Write the checklist for a paper, in Markdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid.files import write_output
from hybrid.report.checklist import of_data, of_model, of_results
from hybrid.report.checklist.items import ITEMS, Item
from hybrid.report.checklist.run import Run
from hybrid.report.elements.words import escaped, spoken
from hybrid.workspace.private_paths import without_places

CHECKLIST = "checklist.md"
TO_WRITE = "*To be written by the author.*"

_HINTS = {
    "30": "`hybrid stress MODEL` fills in this item.",
    "33": "`hybrid validate MODEL DATA` fills in this item.",
    "T14": "`hybrid compare --by COLUMN` fills in this item.",
    "T23b": "`hybrid compare --by COLUMN` fills in this item.",
}


@dataclass(frozen=True)
class _Answer:
    """How an item is answered from the records, and where the report has more."""

    sentences: Callable[[Run], list[str]]
    place: str


_ANSWERS = {
    "7": _Answer(of_data.sources, "Data"),
    "9": _Answer(of_data.preprocessing, "How to reproduce it"),
    "10": _Answer(of_data.subsets, "Data"),
    "12": _Answer(of_data.unreadable, "Data"),
    "19": _Answer(of_data.partitions, "Data"),
    "20": _Answer(of_data.disjoint, "Data"),
    "21": _Answer(of_data.test_size, "Models"),
    "22": _Answer(of_model.architecture, "How to reproduce it"),
    "23": _Answer(of_model.software, "How to reproduce it"),
    "24": _Answer(of_model.initialisation, "How to reproduce it"),
    "25": _Answer(of_model.training, "How to reproduce it"),
    "26": _Answer(of_model.selection, "Models"),
    "27": _Answer(of_model.ensembling, "How to reproduce it"),
    "28": _Answer(of_results.measures, "Models"),
    "29": _Answer(of_results.uncertainty, "Differences"),
    "30": _Answer(of_results.robustness, "Robustness"),
    "32": _Answer(of_results.internal, "the main result"),
    "33": _Answer(of_results.external, "that of hybrid validate"),
    "35": _Answer(of_data.included, "Data"),
    "36": _Answer(of_data.characteristics, "Data"),
    "37": _Answer(of_results.partitions, "Models"),
    "38": _Answer(of_results.estimates, "Models"),
    "39": _Answer(of_results.failures, "Errors"),
    "42": _Answer(of_model.protocol, "How to reproduce it"),
    "43": _Answer(of_model.availability, "How to reproduce it"),
    "T12e": _Answer(of_results.calibration, "Curves"),
    "T13": _Answer(of_model.imbalance, "How to reproduce it"),
    "T14": _Answer(of_results.subgroups, "Subgroups"),
    "T15": _Answer(of_model.output, "Threshold"),
    "T16": _Answer(of_results.shift, "the main result"),
    "T22": _Answer(of_model.full_model, "How to reproduce it"),
    "T23b": _Answer(of_results.subgroups, "Subgroups"),
}


def answers(run: Run) -> dict[str, list[str]]:
    """Return the sentences that answer each item, by its key; [] for items that are for the author."""
    return {
        item.key: [without_places(spoken(text)) for text in _ANSWERS[item.key].sentences(run)]
        if item.key in _ANSWERS
        else []
        for item in ITEMS
    }


def checklist(runs: Sequence[Run]) -> str:
    """Return the checklist for all leaderboards of a comparison, in Markdown."""
    lines = [
        "# Checklist for a paper",
        "",
        "The items follow CLAIM 2024 (Tejani et al., Radiology: Artificial Intelligence 2024) and, where it asks for "
        "more, TRIPOD+AI (Collins et al., BMJ 2024), in our own words; read the originals before you submit. What is "
        "filled in comes from the records of this run. Check each sentence, and complete what only you can know.",
    ]
    for run in runs:
        found = answers(run)
        filled = sum(1 for sentences in found.values() if sentences)
        title = f"{run.leaderboard.dataset}: {run.model.name}"
        lines += ["", f"## {escaped(title)}", "", f"{filled} of {len(ITEMS)} items are filled in, at least in part."]
        section = ""
        for item in ITEMS:
            if item.section != section:
                section = item.section
                lines += ["", f"### {section}"]
            lines += ["", *_lines(item, found[item.key])]
    return "\n".join(lines) + "\n"


def _lines(item: Item, sentences: Sequence[str]) -> list[str]:
    head = f"**{item.number}. {item.text}.**"
    if sentences:
        place = _ANSWERS[item.key].place
        return [head, "", " ".join(map(escaped, sentences)), "", f"*In the report: {place}.*"]
    hint = _HINTS.get(item.key)
    return [head, "", " ".join(filter(None, [TO_WRITE, hint]))]


def save_checklist(path: Path, runs: Sequence[Run]) -> Path:
    """Write the checklist beside a report and return its path."""
    text = checklist(runs)
    write_output(path, lambda file: file.write(text.encode()))
    return path
