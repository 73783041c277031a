"""Earlier comparisons are kept: their files are moved before another comparison is written into the same folder."""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from hybrid.errors import InputError
from hybrid.files import cannot_write, read_json
from hybrid.workspace.workspace import unique_name

REPORT, JSON, CSV, PAIRS = "report.html", "comparison.json", "comparison.csv", "pairs.csv"
_FILES = (REPORT, "report-files", "checklist.md", CSV, PAIRS, JSON)
_EARLIER = "earlier"
_COUNTS_LOOKS = ("notes", "test_history")  # they change with each look at test, although the comparison is the same


def keep_earlier(folder: Path, comparison: Mapping[str, Any]) -> Path | None:
    """Move the comparison that a folder holds into ``earlier/DATE-TIME``, unless it is the same comparison.

    Two comparisons are the same if they have the same models, settings and scores, whatever was said of earlier looks
    at test.

    Parameters
    ----------
    folder : Path
        Folder into which the comparison is about to be written.
    comparison : mapping
        The comparison as JSON values, from :meth:`hybrid.run.Comparison.to_dict`.

    Returns
    -------
    Path or None
        The folder that holds the earlier comparison now; None if nothing had to be moved.

    Raises
    ------
    InputError
        If the files cannot be moved.
    """
    present = [folder / name for name in _FILES if (folder / name).exists()]
    if not present or _is_same(folder / JSON, comparison):
        return None
    written = max(path.stat().st_mtime for path in present)
    parent = folder / _EARLIER
    name = f"{datetime.fromtimestamp(written):%Y-%m-%d_%H-%M-%S}"
    target = parent / unique_name(name, [path.name for path in parent.glob("*")])
    try:
        target.mkdir(parents=True)
        for path in present:
            path.rename(target / path.name)
    except OSError as error:
        raise cannot_write(target, error) from error
    return target


def _is_same(path: Path, comparison: Mapping[str, Any]) -> bool:
    try:
        earlier = read_json(path)
    except InputError:
        return False
    return _without_looks(earlier) == _without_looks(json.loads(json.dumps(comparison)))


def _without_looks(comparison: Any) -> Any:
    """Return a comparison without what only the number of looks at test changes."""
    if isinstance(comparison, list):
        return [_without_looks(item) for item in comparison]
    if not isinstance(comparison, dict):
        return comparison
    kept = {key: value for key, value in comparison.items() if key not in _COUNTS_LOOKS}
    if isinstance(choice := kept.get("choice"), dict):
        kept["choice"] = {key: value for key, value in choice.items() if key != "reason"}
    return {key: _without_looks(value) for key, value in kept.items()}
