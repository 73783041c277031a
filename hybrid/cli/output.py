"""Print tables, notes, progress and JSON. Results go to standard output, progress and warnings to standard error."""

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.evaluation.metrics import format_score
from hybrid.evaluation.registry.tasks import TASKS
from hybrid.wording import Footnotes, plural_of
from hybrid.wording import number as counted

if TYPE_CHECKING:
    from hybrid.datasets import Dataset
    from hybrid.evaluation import Evaluation, Metric
    from hybrid.progress import Progress

_BETWEEN = 3  # characters between two columns of a table


def print_json(value: Any) -> None:
    """Print one JSON object."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    click.echo(text.encode(errors="backslashreplace"))


def print_exactly(content: bytes) -> None:
    """Print text byte for byte or, on a terminal, without the characters that could control it."""
    if sys.stdout.isatty():
        click.echo("\n".join(map(plain, content.decode(errors="replace").split("\n"))), nl=False)
    else:
        click.echo(content, nl=False)


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1, optional: int = 0
) -> None:
    """Print a table.

    Parameters
    ----------
    title : str
        Printed above the table, unless it is empty.
    columns : sequence of str
        Names of the columns.
    rows : sequence of sequence
        Rows with one value for each column.
    left : int, default=1
        Number of the first columns that contain text. The others contain numbers, which are never divided.
    optional : int, default=0
        Number of the last columns that may be left out on a narrow terminal. Columns that still do not fit follow in
        further tables, each of which begins with the columns of text.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)
    cells = [[plain(str(cell)) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) + _BETWEEN for column in zip(columns, *cells, strict=True)]
    shown = len(columns)
    while shown > len(columns) - optional and sum(widths[:shown]) > console.width:
        shown -= 1
    most = (50 if left == 1 else 30) + _BETWEEN  # a longer text is divided into lines
    texts = sum(min(width, most) for width in widths[:left])
    if title:
        click.secho(plain(title), bold=True)
    for block in _blocks(widths[left:shown], console.width - texts):
        console.width = max(console.width, texts + sum(widths[left + number] for number in block))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns[:left]:
            table.add_column(Text(column), overflow="fold")
        for number in block:
            table.add_column(Text(columns[left + number]), justify="right", no_wrap=True)
        for row in cells:
            table.add_row(*map(Text, row[:left]), *(Text(row[left + number]) for number in block))
        console.print(table, soft_wrap=False)


def _blocks(widths: Sequence[int], most: int) -> list[list[int]]:
    """Return the numbers of columns that fit side by side, in one list for each table.

    Examples
    --------
    >>> _blocks([10, 10, 10], 25)
    [[0, 1], [2]]
    """
    blocks: list[list[int]] = [[]]
    for number, width in enumerate(widths):
        if blocks[-1] and sum(widths[other] for other in blocks[-1]) + width > most:
            blocks.append([])
        blocks[-1].append(number)
    return blocks


def print_notes(notes: Sequence[str]) -> None:
    """Print each note on a line."""
    for note in notes:
        click.echo(f"  · {plain(note)}")


def print_line(text: str, err: bool = False) -> None:
    """Print one line that may contain names, to standard output or standard error."""
    click.echo(plain(text), err=err)


def warn(text: str) -> None:
    """Print a highlighted line to standard error."""
    click.secho(plain(text), fg="yellow", bold=True, err=True)


def short_path(path: str) -> str:
    """Return a path relative to the current folder if it is in that folder, and otherwise as it is."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def shell_command(*words: object) -> str:
    """Return a command as it is typed in a shell, for a message.

    Examples
    --------
    >>> shell_command("hybrid", "extract", "my pictures; rm -r")
    "hybrid extract 'my pictures; rm -r'"
    """
    return plain(shlex.join(map(str, words)))


@contextlib.contextmanager
def progress_bar(text: str) -> Iterator["Progress"]:
    """Yield a function that receives progress. On a terminal a bar shows it, elsewhere a line now and then."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _progress_lines(text)
        return
    to_terminal = sys.stdout.isatty()  # if not, output must still go to the file or pipe, not to the terminal
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=to_terminal)
    with contextlib.ExitStack() as stack:
        task: list[Any] = []

        def report(done: int, total: int) -> None:
            if not task:  # the bar is drawn from now on, and not while Keras is imported, whose messages are captured
                stack.enter_context(bar)
                task.append(bar.add_task(text, total=total))
            bar.update(task[0], completed=done, total=total)

        yield report


def _progress_lines(text: str) -> "Progress":
    """Return a function that receives progress and prints a line after 2 s, then ever more seldom, once a minute."""
    pause, printed = 2.0, time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal pause, printed
        if done < total and time.monotonic() - printed >= pause:
            click.echo(f"{plain(text)}: {done:,} of {total:,}", err=True)
            pause, printed = min(2 * pause, 60.0), time.monotonic()

    return report


@contextlib.contextmanager
def loud_warnings() -> Iterator[None]:
    """Print each warning of the library once, as one highlighted line."""
    import warnings

    printed: set[str] = set()

    def once(text: str) -> None:
        if text not in printed:
            printed.add(text)
            warn(text)

    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **more: once(str(message))
        yield


def print_counts(dataset: "Dataset", totals: Sequence[str]) -> None:
    """Print the number and share of images of each class by split. The last row has one cell of `totals` per split."""
    table = dataset.counts_by_split()
    sizes = {split: len(dataset.part(split)) for split in table}
    rows = [[label, *(share(counts[label], sizes[split]) for split, counts in table.items())]
            for label in map(str, dataset.classes)]  # fmt: skip
    kind = "label" if dataset.task == "multilabel" else "class"
    print_table(repr(dataset), [kind, *table], [*rows, ["images", *totals]])


def share(count: int, total: int) -> str:
    """Return a count and its percentage of a total."""
    return f"{count} ({count / total:.1%})"


def _images(result: "Evaluation") -> str:
    return (
        f"{result.n} of {counted(result.n_groups, result.group_name)}" if result.n_groups is not None else str(result.n)
    )


def print_evaluations(
    title: str, splits: dict[str, "Evaluation"], each_class: bool = True, on_val: Callable[[str], str] | None = None
) -> None:
    """Print the main scores of each split side by side, with intervals, then each class on the last split.

    `on_val` returns the footnote of a metric on validation.
    """
    task = next(iter(splits.values())).task
    names = TASKS[task].terminal
    notes = Footnotes()
    columns = [f"{split} (n={_images(result)})" for split, result in splits.items()]
    rows = [
        [
            name,
            *(
                format_metric(result.metrics[name], notes=notes)
                + (notes.mark(on_val(name)) if on_val and split == "val" else "")
                for split, result in splits.items()
            ),
        ]
        for name in names
    ]
    print_table(title, ["metric", *columns], rows)
    print_footnotes(notes)
    if not each_class:
        return
    split, result = list(splits.items())[-1]
    grouped = ["groups"] if result.clustered else []
    names, notes = TASKS[task].terminal_classes, Footnotes()
    rows = [
        [
            label,
            *(format_metric(scores[name], notes=notes) for name in names),
            scores["support"],
            *(scores[name] for name in grouped),
        ]
        for label, scores in result.per_class.items()
    ]
    print_table(
        f"each {'label' if task == 'multilabel' else 'class'} on {split}",
        ["", *names, "support", *(plural_of(result.group_name) for _ in grouped)],
        rows,
    )
    print_footnotes(notes)


def format_metric(metric: "Metric", interval: bool = True, notes: Footnotes | None = None) -> str:
    """Return a score as text, or a dash if it is not defined.

    Parameters
    ----------
    metric : Metric
    interval : bool, default=True
        Whether the interval follows the score.
    notes : Footnotes, optional
        Receives the reason of what is missing; its mark is appended to the text.
    """
    value = format_score(metric.value)
    bounds = metric.bounds_text(", ") if interval else ""
    reason = metric.reason if interval or metric.value is None else ""
    return (f"{value} [{bounds}]" if bounds else value) + (notes.mark(reason) if notes else "")


def print_footnotes(notes: Footnotes) -> None:
    """Print the notes below a table."""
    for line in notes.lines:
        click.echo(f"  {plain(line)}")


def plain(text: str) -> str:
    """Replace unprintable characters, so that an untrusted file name cannot move the cursor or hide text."""
    return "".join(char if char.isprintable() else "�" for char in text)
