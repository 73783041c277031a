"""The part of the report on dataset shift: are the test images like those that the models learnt from?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hybrid import plots
from hybrid.external.result import ExternalResult
from hybrid.report.elements.figures import Drawing
from hybrid.report.elements.pictures import Pictures
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.elements.words import listed
from hybrid.report.parts.cases import Line
from hybrid.report.parts.data import ShownCase
from hybrid.report.parts.familiarity import Familiarity
from hybrid.report.parts.part import Part
from hybrid.shift.class_shares import p_text
from hybrid.shift.estimated_shares import misled_estimate
from hybrid.shift.properties import PROPERTIES, PropertyDifference
from hybrid.shift.result import SPLIT_NAMES, DatasetShift
from hybrid.workspace.private_paths import place_name

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard

CLASSIFIER = "classifier"
_MOST = 8  # pictures


def shift(leaderboard: "Leaderboard", pictures: Pictures, familiar: Familiarity | None = None) -> Part | None:
    """Return whether the test images differ, in what, and which are farthest away; None if it was not examined.

    `familiar` is how typical the images are of those that the chosen model learnt from.
    """
    result, changes = leaderboard.shift, [one.sentence for one in leaderboard.score_changes]
    if result is None:
        lead = [*changes, *([familiar.sentence] if familiar else [])]
        unlike = [] if familiar is None else [_case(one, pictures, familiar) for one in familiar.unfamiliar[:_MOST]]
        new = SPLIT_NAMES[leaderboard.split]
        title = "From validation to test" if changes else f"Are the {new} images familiar?"
        return Part("shift", title, lead, content={"cases": unlike, "new": new}) if changes or unlike else None
    estimate = _estimate(leaderboard) if result.found else ""
    title = f"Are the {SPLIT_NAMES[result.new]} images like the others?"
    return _part(result, title, [*result.sentences, *changes, estimate], pictures, familiar)


def external_shift(result: ExternalResult) -> Part | None:
    """Return whether the images differ from those that the model learnt from; None if it could not be examined."""
    found, data = result.shift, result.data
    if found is None or found.images is None:
        return None
    title = "Are these images like those that the model learnt from?"
    return _part(found.images, title, found.images.sentences, Pictures(data.dataset, sets=[data]))


def _part(
    result: DatasetShift, title: str, lead: Sequence[str], pictures: Pictures, familiar: Familiarity | None = None
) -> Part:
    cases = [_case(one.id, pictures, familiar, one.farther_than) for one in result.farthest]
    if familiar is not None:
        shown = {one.id for one in result.farthest}
        others = [one for one in familiar.unfamiliar if one not in shown]
        both = len(familiar.unfamiliar) - len(others)
        pictured = f" {both} of these are among the pictures below." if both else ""
        lead = [*lead, familiar.sentence + pictured]
        cases += [_case(one, pictures, familiar) for one in others[: max(0, _MOST - len(cases))]]
    return Part(
        "shift",
        title,
        [text for text in lead if text],
        [_table(result)] if result.properties else [],
        [_drawing(result)] if result.tested else [],
        content={"cases": cases, "new": SPLIT_NAMES[result.new]},
    )


def _case(image: str, pictures: Pictures, familiar: Familiarity | None, farther_than: float | None = None) -> ShownCase:
    """Return an image with how far it is from the others, and whether the model finds it unfamiliar."""
    lines: list[Line] = []
    if farther_than is not None:
        lines.append(("farther than", ((f"{farther_than:.0%} of the other images", ""),)))
    if familiar is not None and image in familiar.typicality:
        word = "unfamiliar" if image in familiar.unfamiliar else "familiar"
        lines.append(("typicality", ((f"{familiar.typicality[image]:.2g} ({word})", ""),)))
    return ShownCase(place_name(image), pictures(image), tuple(lines))


def _estimate(leaderboard: "Leaderboard") -> str:
    """Return a sentence if class proportions that are estimated from predictions are wrong, as the images differ."""
    number = leaderboard.chosen_number
    if number is None or leaderboard.split != "test":
        return ""
    return misled_estimate(leaderboard.saved[number].part("val"), leaderboard.predictions[number])


def _table(result: DatasetShift) -> Table:
    new = SPLIT_NAMES[result.new]
    columns = [
        Column("property", "property", numeric=False),
        Column("reference", listed([SPLIT_NAMES[split] for split in result.reference])),
        Column("new", new),
        Column("auc", f"{new} has more, of 100 pairs"),
        Column("p_adjusted", "adjusted p"),
    ]
    caption = f"Simple properties of {new} images and the others (medians; of borders and greyscale files means)"
    return Table("shift-properties", caption, columns, [_row(one) for one in result.properties])


def _row(one: PropertyDifference) -> list[Cell]:
    row, (low, high) = PROPERTIES[one.name], one.interval or (None, None)
    ends = "" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f}"
    return [
        Cell(one.name, one.name, row.measure),
        Cell(one.reference, row.text(one.reference)),
        Cell(one.new, row.text(one.new)),
        Cell(one.auc, f"{100 * one.auc:.0f}", ends, {"auc_low": low, "auc_high": high}),
        text_cell(p_text(one.p_adjusted).removeprefix("= ")),
    ]


def _drawing(result: DatasetShift) -> Drawing:
    test, new = result.images, SPLIT_NAMES[result.new]
    assert test.auc is not None
    names = [CLASSIFIER, *(one.name for one in result.properties)]
    shares = [test.auc, *(one.auc for one in result.properties)]
    intervals = [test.interval, *(one.interval for one in result.properties)]
    described = [f"{name} {100 * share:.0f}" for name, share in zip(names, shares, strict=True)]
    words = (
        f"In how many of 100 pairs of a {new} image and another one the classifier recognises the {new} image, or the "
        f"{new} image has more of a property; 50 is chance, and filled points differ from it: {listed(described, 12)}."
    )
    figure = plots.pair_chart(
        names,
        shares,
        intervals,
        label=f"of 100 pairs, {new} image is higher",
        found=[test.found, *(one.found for one in result.properties)],
    )
    return Drawing("shift", f"Pairs of a {new} image and another image, with 95% intervals", words, figure)
