"""Write one page on several external validations: all models and datasets in one table, with links to their reports."""

from collections.abc import Sequence
from pathlib import Path

from hybrid.report.page_files import PageSection, write_section
from hybrid.report.parts.external_pairs import Pairs, main_scores, other_scores, shift_in_words
from hybrid.report.parts.proportions import proportions_in_words
from hybrid.wording import and_more, number
from hybrid.workspace.private_paths import without_places

_MOST_NAMED = 6


def write_external_summary(pairs: Pairs, path: Path, reports: Sequence[Path] = ()) -> list[Path]:
    """Write all pairs of a model and a dataset as one HTML file that needs no network, with its tables beside it.

    Parameters
    ----------
    pairs : Pairs
    path : Path
        Path of the page. A folder beside it, with the same name and ``-files`` at the end, gets the figure and tables.
    reports : sequence of Path, optional
        The report of each pair, which the page links to.

    Returns
    -------
    list of Path
        The page, then the other files.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    made = [
        main_scores(pairs, _links(path, reports, len(pairs.results))),
        other_scores(pairs),
        shift_in_words(pairs),
        proportions_in_words(pairs),
    ]
    parts = [part for part in made if part is not None]
    models = _several([one.model for one in pairs], "model")
    datasets = _several([one.dataset for one in pairs], "dataset")
    section = PageSection("pairs", f"{models} on {datasets}", _answer(pairs), _intro(pairs), _warnings(pairs), parts)
    return write_section("External validation", section, path)


def _links(path: Path, reports: Sequence[Path], pairs: int) -> list[str]:
    """Return where each report lies, as seen from the page; "" without reports."""
    from urllib.parse import quote

    if not reports:
        return [""] * pairs
    return ["/".join(map(quote, report.relative_to(path.parent).parts)) for report in reports]


def _several(names: Sequence[str], noun: str) -> str:
    different = list(dict.fromkeys(names))
    return different[0] if len(different) == 1 else number(len(different), noun)


def _answer(pairs: Pairs) -> str:
    """Return how many scores are worse or better than on the models' own images, after Holm's correction."""
    tested = 0
    worse: list[str] = []
    better: list[str] = []
    for result, adjusted in zip(pairs, pairs.adjusted, strict=True):
        test = result.difference(result.metric)
        if test is None or adjusted is None:
            continue
        tested += 1
        if adjusted < test.alpha:
            (worse if test.verdict == "worse" else better).append(f"{result.model} on {result.dataset}")
    if not tested:
        return "No score could be compared with the models' own images."
    corrected = f", after Holm's correction for {number(tested, 'test')}"
    if not worse and not better:
        return f"No score differs from that on the model's own images by more than chance{corrected}."
    said = [
        f"{len(found)} of {tested} scores {'is' if len(found) == 1 else 'are'} {how} than on the model's own images by "
        f"more than chance ({and_more(found, _MOST_NAMED)})"
        for how, found in (("worse", worse), ("better", better))
        if found
    ]
    return f"{'; '.join(said)}{corrected}."


def _intro(pairs: Pairs) -> str:
    levels = " and ".join(dict.fromkeys(f"{one.evaluation.level:.0%}" for one in pairs))
    return (
        f"{number(len(pairs.results), 'pair')} of a model and a dataset. Each model has the threshold with which it "
        f"was saved, and scores have {levels} intervals. The reports of the pairs have all scores, curves and errors."
    )


def _warnings(pairs: Pairs) -> list[str]:
    choice = (
        "Do not choose the model by this table and report its score from it: the choice would make the score too "
        "optimistic, as a choice on test does."
    )
    several = len({one.model for one in pairs}) > 1
    about: dict[tuple[str, str], list[str]] = {}
    for one in pairs:
        for note in one.notes:
            if one.shift is None or note != one.shift.note:  # the part on the images has it
                about.setdefault((one.dataset, note), []).append(one.model)
    limits = [f"{and_more(models, _MOST_NAMED)} on {dataset}: {note}" for (dataset, note), models in about.items()]
    return [*([choice] if several else []), *map(without_places, [*limits, *pairs.notes])]
