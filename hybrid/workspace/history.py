"""The history of a workspace: the models that were fitted, the plans that were made, and every look at test scores.

It is a text file to which lines are only added. Each line contains the SHA-256 of the line before, so that a line that
was changed or removed later is noticed.
"""

import hashlib
import json
import os
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from hybrid.errors import InputError
from hybrid.files import cannot_write, locked, parse_json
from hybrid.workspace.records import as_json, from_json
from hybrid.workspace.workspace import HISTORY, Workspace

if TYPE_CHECKING:
    import numpy as np

SCHEMA = 3
FITTED: Final = "fitted"
SHOWN: Final = "shown"
PLANNED: Final = "planned"
LOCKED: Final = "locked"
UNLOCKED: Final = "unlocked"


@dataclass(frozen=True)
class Plan:
    """What is decided before test is read.

    Attributes
    ----------
    metric : str or None
        The primary metric; None for the default of the task.
    choose : str
        How the model is chosen on validation, ``"simplest"`` or ``"best"``, or the name of a model.
    reference : str or None
        The model with which the others are compared; None for the chosen model.
    margin : float or None
        The margin of a non-inferiority comparison.
    primary : tuple of str
        Further primary metrics, of which any may decide.
    """

    metric: str | None = None
    choose: str = "simplest"
    reference: str | None = None
    margin: float | None = None
    primary: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """The first 12 digits of the SHA-256 of the plan."""
        return hashlib.sha256(json.dumps(as_json(self), sort_keys=True).encode()).hexdigest()[:12]

    def differences(
        self, metrics: Sequence[str], choose: Container[str], reference: Container[str], margin: float | None
    ) -> tuple[str, ...]:
        """Return how a comparison differs from the plan, in sentences.

        Parameters
        ----------
        metrics : sequence of str
            The primary metrics of the comparison; models are ordered and chosen by the first.
        choose : container of str
            How its model is chosen, or all names of the model that was named.
        reference : container of str
            All names of the model with which the others are compared; empty if all pairs are.
        margin : float or None
            The margin of the comparison.
        """
        said = []
        if self.metric not in (None, metrics[0]):
            said.append(
                f"The plan names {self.metric} as the primary metric; these models are compared by {metrics[0]}."
            )
        planned = dict.fromkeys([self.metric or metrics[0], *self.primary])
        if further := [name for name in metrics[1:] if name not in planned]:
            said.append(f"Not in the plan: the primary metric{'s' if len(further) > 1 else ''} {', '.join(further)}.")
        if self.choose not in choose:
            said.append(f"The plan chooses the model by {self.choose!r}; here it is chosen differently.")
        if self.reference is not None and self.reference not in reference:
            said.append(f"The plan names {self.reference} as the reference; here it is not.")
        if self.margin != margin:
            has = "no margin" if self.margin is None else f"a margin of {self.margin:g}"
            said.append(f"The plan has {has}; this comparison has {'none' if margin is None else f'{margin:g}'}.")
        return tuple(said)

    def __str__(self) -> str:
        parts = [
            f"primary metric {self.metric or 'the default of the task'}",
            *([f"also {', '.join(self.primary)}"] if self.primary else []),
            f"choice {self.choose}",
            f"reference {self.reference or 'the chosen model'}",
        ]
        return ", ".join(parts) + ("" if self.margin is None else f", margin {self.margin:g}")


@dataclass(frozen=True)
class Event:
    """A line of the history.

    Attributes
    ----------
    what : {"fitted", "shown", "planned", "locked", "unlocked"}
        "shown" is a look at test scores; "locked" and "unlocked" are changes of the setting that forbids it.
    at : str
        Date and time in ISO format.
    by : str
        The command or the function.
    dataset, dataset_fingerprint : str
        The dataset of the models.
    models : dict of str to str
        The SHA-256 of the predictions of each model, keyed by its name.
    plan : Plan or None
        The plan that was made.
    test_images : tuple of str
        The first 16 digits of the SHA-256 of each test image of the dataset, in order. They are in the first event of a
        dataset only. Earlier versions did not record them.
    """

    what: Literal["fitted", "shown", "planned", "locked", "unlocked"]
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    by: str = ""
    dataset: str = ""
    dataset_fingerprint: str = ""
    models: dict[str, str] = field(default_factory=dict)
    plan: Plan | None = None
    test_images: tuple[str, ...] = ()


def image_digests(keys: "np.ndarray") -> tuple[str, ...]:
    """Return the first 16 digits of the SHA-256 of each image, in order and without repetition.

    Parameters
    ----------
    keys : ndarray of uint8 of shape (n, 32)
        SHA-256 digests of the images.
    """
    return tuple(sorted({key[:8].tobytes().hex() for key in keys}))


def images_by_dataset(events: Iterable[Event]) -> dict[str, frozenset[str]]:
    """Return the digests of the test images of each dataset, keyed by its fingerprint, as far as they are recorded."""
    return {event.dataset_fingerprint: frozenset(event.test_images) for event in events if event.test_images}


class History:
    """The history of a workspace.

    Parameters
    ----------
    workspace : Workspace
    """

    def __init__(self, workspace: Workspace):
        self.path = workspace.folder / HISTORY

    def add(self, event: Event) -> None:
        """Add an event, without the digests of the test images if an earlier event has those of the same dataset.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        with locked(self.path.parent):
            try:
                lines = self._lines()
                if event.test_images and event.dataset_fingerprint in images_by_dataset(
                    filter(None, map(_event, lines))
                ):
                    event = replace(event, test_images=())
                line = _line(event, lines[-1] if lines else b"")
                before = b"" if not lines or self.path.read_bytes().endswith(b"\n") else b"\n"
                handle = os.open(
                    self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666
                )
                with os.fdopen(handle, "ab") as file:
                    file.write(before + line + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise cannot_write(self.path, error) from error

    def events(self) -> tuple[Event, ...]:
        """Return all events that can be read, oldest first."""
        return tuple(event for line in self._lines() if (event := _event(line)) is not None)

    @property
    def is_intact(self) -> bool:
        """Whether no line was changed or removed, except perhaps at the end."""
        lines = self._lines()
        values = [_value(line) for line in lines]
        return all(
            _event(line) is not None and value.get("previous") == _digest(previous)
            for line, value, previous in zip(lines, values, [b"", *lines], strict=False)
        )

    @property
    def plan(self) -> Plan | None:
        """The last plan; None if none was made."""
        return next((event.plan for event in reversed(self.events()) if event.what == PLANNED), None)

    @property
    def is_locked(self) -> bool:
        """Whether test scores must not be shown."""
        return next((e.what == LOCKED for e in reversed(self.events()) if e.what in (LOCKED, UNLOCKED)), False)

    def _lines(self) -> Sequence[bytes]:
        try:
            return [line for line in self.path.read_bytes().split(b"\n") if line.strip()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{str(self.path)!r} cannot be read ({error.strerror or error}).") from error


def _line(event: Event, previous: bytes) -> bytes:
    content = {"schema": SCHEMA, **as_json(event), "previous": _digest(previous)}
    return json.dumps(content, ensure_ascii=False).encode(errors="backslashreplace")


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _value(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line; an empty one if the line is damaged."""
    try:
        value = parse_json(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _event(line: bytes) -> Event | None:
    """Return the event of a line; None if the line is damaged."""
    try:
        return from_json(Event, _value(line))
    except ValueError:
        return None
