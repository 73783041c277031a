"""The workspace: a folder with embedding sets, trained networks, fitted models and reports."""

import re
from collections.abc import Iterable
from pathlib import Path

from hybrid.errors import InputError, unknown_name

DEFAULT_WORKSPACE = "hybrid_runs"

# Names of files, in the folder of a model
METRICS = "metrics.json"
PREDICTIONS = "predictions.csv"
# and in that of a trained network: the networks of the best and the last epoch, the record, digests of images.
BEST_NETWORK = "network.keras"
LAST_NETWORK = "last.keras"
TRAINING_RECORD = "training.json"
TRAINING_KEYS = "training.keys"


class Workspace:
    """Where a project keeps what it made.

    Parameters
    ----------
    folder : str or Path, default="hybrid_runs"
        Made when something is first written.

    Attributes
    ----------
    sets, networks, models, reports : Path
        The folders inside.
    """

    def __init__(self, folder: str | Path = DEFAULT_WORKSPACE):
        self.folder = Path(folder).expanduser()
        self.sets = self.folder / "sets"
        self.networks = self.folder / "networks"
        self.models = self.folder / "models"
        self.reports = self.folder / "reports"

    def latest(self, kind: str) -> Path | None:
        """Return the newest record of a kind (``"sets"`` or ``"networks"``), None if there is none."""
        return max(self.records(kind), key=lambda path: path.stat().st_mtime_ns, default=None)

    def find(self, kind: str, name: str) -> Path:
        """Return the record of that name.

        Raises
        ------
        InputError
            If there is none, with the nearest names.
        """
        found = {path.stem if kind == "sets" else path.parent.name: path for path in self.records(kind)}
        if name not in found:
            what = {"sets": "embedding set", "networks": "network", "models": "model"}[kind]
            raise unknown_name(what, name, found, f"The workspace is {str(self.folder)!r}.")
        return found[name]

    def records(self, kind: str) -> list[Path]:
        """Return the records of a kind: what marks a set, a network or a model as whole."""
        pattern = {"sets": "*.json", "networks": f"*/{TRAINING_RECORD}", "models": f"*/{METRICS}"}[kind]
        return sorted(path for path in (self.folder / kind).glob(pattern) if not path.parent.name.startswith("."))


def slug(*parts: object) -> str:
    """Return a name that is safe as a file name on any system.

    Examples
    --------
    >>> slug("chest_xray", "mobilenet:alpha=0.25")
    'chest_xray-mobilenet_alpha_0.25'
    """
    words = [re.sub(r"[^\w.-]+", "_", str(part)).strip("._-") for part in parts]
    return "-".join(word for word in words if word)[:100] or "unnamed"


def check_name(name: str) -> str:
    """Return a name that a user gave; raise `InputError` if it is no plain file name."""
    if not re.fullmatch(r"[\w][\w.+-]{0,99}", name):
        raise InputError(f"The name {name!r} was given; expected letters, digits and . _ + - (at most 100 characters).")
    return name


def unique_name(base: str, taken: Iterable[str]) -> str:
    """Return `base`, or `base` with the first number that is free."""
    names, number, name = set(taken), 2, base
    while name in names:
        name, number = f"{base}-{number}", number + 1
    return name
