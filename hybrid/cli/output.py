"""Print tables, notes, progress and JSON; results go to standard output, progress to standard error."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from hybrid.evaluation import Evaluation
    from hybrid.extractors.extraction import Progress


def print_json(value: Any) -> None:
    """Print one JSON object."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1) -> None:
    """Print a table; the first `left` columns are text, the others numbers."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(Text(column), justify="left" if number < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    if title:
        click.secho(_plain(title), bold=True)
    console.print(table)


def print_notes(notes: Sequence[str]) -> None:
    """Print sentences, one a line."""
    for note in notes:
        click.echo(f"  · {_plain(note)}")


def warn(text: str) -> None:
    """Print a loud line to standard error."""
    click.secho(_plain(text), fg="yellow", bold=True, err=True)


@contextlib.contextmanager
def progress_bar(text: str) -> Iterator["Progress"]:
    """Give a function to report progress to; the bar appears with its first call."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task: list[Any] = []

        def report(done: int, total: int) -> None:
            if not task:
                task.append(bar.add_task(text, total=total))
            bar.update(task[0], completed=done, total=total)

        yield report


@contextlib.contextmanager
def loud_warnings() -> Iterator[None]:
    """Print the library's warnings as one line each."""
    import warnings

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **more: warn(str(message))
        yield


def print_evaluations(title: str, splits: dict[str, "Evaluation"]) -> None:
    """Print the scores of each split side by side, with their intervals."""
    names = list(dict.fromkeys(name for result in splits.values() for name in result.metrics))
    rows = [[name, *(format_metric(result.metrics.get(name)) for result in splits.values())] for name in names]
    columns = [f"{split} (n={result.n})" for split, result in splits.items()]
    print_table(title, ["metric", *columns], rows)


def format_metric(metric: Any) -> str:
    """Return a score with its interval; a dash where it is not defined."""
    if metric is None or metric.value is None:
        return "–"
    if metric.low is None:
        return f"{metric.value:.3f}"
    return f"{metric.value:.3f} [{metric.low:.3f}, {metric.high:.3f}]"


def _plain(text: str) -> str:
    """Keep a stranger's file name from moving the cursor or hiding text."""
    return "".join(char if char.isprintable() else "�" for char in text)
