"""Print predictive values and net benefit at a named prevalence, for `hybrid compare --prevalence`."""

from typing import TYPE_CHECKING

from hybrid.cli.output import format_metric, print_footnotes, print_notes, print_table
from hybrid.wording import Footnotes

if TYPE_CHECKING:
    from hybrid.comparison import Leaderboard


def print_usefulness(leaderboard: "Leaderboard") -> None:
    """Print a table of the models for each class or label whose prevalence was named; nothing if none was."""
    for label, several in leaderboard.useful.items():
        if str(label) not in leaderboard.prevalence:
            continue
        notes = Footnotes()
        rows = [
            [
                leaderboard.label(one.model),
                *(format_metric(metric, notes=notes) for metric in (one.values.ppv, one.values.npv)),
                f"{one.threshold:.3f}",
                format_metric(one.net_benefit, notes=notes),
                f"{one.at_threshold.treat_all[0]:.3f}",
            ]
            for one in several
            if one.values is not None
        ]
        share = leaderboard.prevalence[str(label)]
        columns = ["model", "PPV", "NPV", "threshold", "net benefit", "of treating all"]
        print_table(f"Where {share:.3g} of the images are {label}, with 95% intervals", columns, rows)
        print_footnotes(notes)
    if leaderboard.prevalence:
        print_notes(
            ["Predictive values and net benefit hold where the images of each class are like these; see the report."]
        )
