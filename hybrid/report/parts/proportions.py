"""The parts on class proportions of other data: whether they alone explain the scores, and what predictions suggest."""

from hybrid.external.proportions import ClassProportions
from hybrid.external.result import ExternalResult
from hybrid.report.elements.table import Cell, Column, Table, text_cell
from hybrid.report.parts.external_pairs import Pairs
from hybrid.report.parts.part import Part

_TITLE = "Do other class proportions explain the scores?"
_METHODS = {"em": "estimated by EM", "bbse": "estimated by BBSE"}


def external_proportions(result: ExternalResult) -> Part:
    """Return whether other class proportions alone explain the scores, with the true and the estimated proportions."""
    found = result.proportions
    tables = [_shares(result, found)] if found.classes else []
    return Part("proportions", _TITLE, list(found.sentences), tables, template="plain")


def proportions_in_words(pairs: Pairs) -> Part:
    """Return for each pair of a model and a dataset whether other class proportions alone explain the scores."""
    lead = [f"{one.model} on {one.dataset}: {one.proportions.sentences[0]}" for one in pairs]
    return Part("proportions", _TITLE, lead, template="plain")


def _shares(result: ExternalResult, found: ClassProportions) -> Table:
    what = "label" if result.evaluation.task == "multilabel" else "class"
    columns = [Column(what, what, numeric=False), Column("new", result.dataset), Column("own", result.own_name)]
    columns += [Column(one.method, _METHODS[one.method]) for one in found.estimates]
    rows = [
        [text_cell(name), *(Cell(share, f"{share:.1%}") for share in (found.new[k], found.own[k]))]
        + [
            Cell(
                one.shares[k],
                f"{one.shares[k]:.1%}",
                f"{one.low[k]:.1%} to {one.high[k]:.1%}",
                {f"{one.method}_low": one.low[k], f"{one.method}_high": one.high[k]},
            )
            for one in found.estimates
        ]
        for k, name in enumerate(found.classes)
    ]
    caption = (
        f"Share of the images with each {what}, and what the model's predictions alone suggest for {result.dataset}"
    )
    return Table("proportions", caption, columns, rows, sortable=True)
