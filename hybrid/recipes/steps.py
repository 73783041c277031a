"""Read the sections ``[data]`` and ``[protocol]``, and the keys that other sections share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hybrid.comparison.choice import BY_DOMAINS, PREFERENCES
from hybrid.comparison.pair_settings import PairSettings
from hybrid.datasets.load import ON_BAD
from hybrid.datasets.parts.groups import check_pattern
from hybrid.datasets.parts.split import check_val, parse_fractions
from hybrid.datasets.parts.split_names import parse_split_names
from hybrid.datasets.quality.drop import check_drop
from hybrid.datasets.quality.kept_together import COPIES
from hybrid.datasets.readers.dicom_headers import check_tags
from hybrid.errors import unknown_name
from hybrid.evaluation.group_cases import HOW
from hybrid.evaluation.metrics import OVERALL, check_metric, known_metric, overall_name
from hybrid.evaluation.paired_evaluation import PAIRS, check_margin
from hybrid.extractors.backbones.parameters import resolve_size
from hybrid.extractors.images.depth import Reading
from hybrid.models.options import HeadOptions
from hybrid.pipelines.folds import parse_folds
from hybrid.recipes.heads import ADJUSTING, head_settings
from hybrid.recipes.paths import data_source
from hybrid.recipes.recipe import ComparisonProtocol, DataStep
from hybrid.recipes.section import RecipeTable

Size = int | list[int]

_COLUMNS = {
    "label": str | list[str],
    "label_separator": str,
    "path_column": str,
    "split_column": str,
    "split_names": str | dict,
    "group_column": str,
    "group_pattern": str,
    "bit_depth": int,
    "window": str | list[float],
    "dicom_tags": list[str],
    "columns": str | list[str],
    "column_patterns": dict[str, str],
}


def read_data(section: RecipeTable, folder: Path, seed: int) -> tuple[DataStep, ...]:
    """Read the section ``[data]``: it describes the only dataset, or has one table for each dataset."""
    if "source" in section:
        return (_dataset("", section, folder, seed),)
    tables = section.tables()
    if not tables:
        raise section.error(
            "source", "it is missing; expected a data source that `hybrid data` accepts, such as a folder."
        )
    return tuple(_dataset(name, table, folder, seed) for name, table in tables.items())


def _dataset(name: str, section: RecipeTable, folder: Path, seed: int) -> DataStep:
    source = section.take("source", str)
    with section.naming("source"):
        data = data_source(source, folder)
    arguments: dict[str, Any] = {"data": data, "random_state": read_seed(section, seed)} | section.take_given(_COLUMNS)
    if arguments.get("label_separator") == "":
        raise section.error("label_separator", "it is empty; expected the text between two labels, or 'none'.")
    for key in ("bit_depth", "window"):
        with section.naming(key):
            Reading.of(**({key: arguments[key]} if key in arguments else {}))
    with section.naming("dicom_tags"):
        if tags := arguments.get("dicom_tags"):
            check_tags(tags)
    split, root = section.take("split", str | None, None), section.take("image_root", str | None, None)
    if split is not None:
        with section.naming("split"):
            arguments["fractions"] = parse_fractions(split)
    val = section.take("val", float | None, None)
    if val is not None:
        with section.naming("val"):
            check_val(val)
        arguments["val"] = val
    if root is not None:
        with section.naming("image_root"):
            arguments["image_root"] = data_source(root, folder)
    table = section.take("table", str | None, None)
    if table is not None:
        with section.naming("table"):
            arguments["table"] = data_source(table, folder)
    with section.naming("column_patterns"):
        for name, pattern in arguments.get("column_patterns", {}).items():
            check_pattern(pattern, f"pattern of the column {name!r},")
    if "group_pattern" in arguments:
        with section.naming("group_pattern"):
            check_pattern(arguments["group_pattern"])
    with section.naming("split_names"):
        parse_split_names(arguments.get("split_names"))
    arguments["val_as_test"] = section.take("val_as_test", bool, False)
    arguments["together"] = section.take_choice("together", COPIES, COPIES[0])
    arguments["on_bad"] = section.take_choice("on_bad", ON_BAD, "raise")
    arguments["follow_links"] = section.take("follow_links", bool, False)
    with section.naming("drop"):
        arguments["drop"] = list(check_drop(section.take("drop", list[str], []))) or None
    section.finish()
    return DataStep(name, arguments)


def read_seed(section: RecipeTable, default: int) -> int:
    """Return the seed, which is a whole number of 0 or more."""
    seed = section.take("seed", int, default)
    if not 0 <= seed < 2**32:
        raise section.error("seed", f"{seed} was given; expected a whole number from 0 to {2**32 - 1}.")
    return seed


def read_size(section: RecipeTable) -> int | tuple[int, int] | None:
    """Return height and width in pixels, or one number for a square, or None if the size is not given."""
    size: Any = section.take("size", Size | None, None)
    if isinstance(size, list):
        if len(size) != 2:
            raise section.error("size", f"{size} was given; expected one number of pixels or [height, width].")
        size = size[0], size[1]
    with section.naming("size"):
        resolve_size(size)
    return size


def read_datasets(section: RecipeTable, known: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the datasets of a step. By default these are all known datasets."""
    given = section.take("data", str | list[str] | None, None)
    if given is None:
        return tuple(known)
    names = [given] if isinstance(given, str) else given
    for name in names:
        if name not in known or not name:
            raise section.error("data", unknown_name("dataset", name, filter(None, known)))
    return tuple(names)


def read_protocol(section: RecipeTable, seed: int) -> tuple[ComparisonProtocol, dict[str, Any]]:
    """Read the section ``[protocol]``. Return the protocol and the default settings of all heads."""
    given = section.take_given(
        {"metric": str, "positive": str | int, "cv": str, "cv_domains": str, "per_group": str, "fixed_classes": bool}
    )
    with section.naming("per_group"):
        if given.get("per_group", HOW[0]) not in HOW:
            raise unknown_name("way to combine the images of a group", given["per_group"], HOW)
    if "metric" in given:
        with section.naming("metric"):
            check_metric(given["metric"])
            given["metric"] = overall_name(given["metric"])
    by = section.take("by", str | list[str], [])
    given["by"] = (by,) if isinstance(by, str) else tuple(by)
    choose = section.take("choose", str, PREFERENCES[0])
    tested = _tested(section)
    if "cv" in given:
        with section.naming("cv"):
            parse_folds(given["cv"])
    if given.get("cv") and given.get("cv_domains"):
        raise section.error("cv_domains", "it is given besides cv; expected one of the two.")
    if choose == BY_DOMAINS and not given.get("cv_domains"):
        raise section.error("choose", "'domains' needs the domains: name their column, cv_domains = \"hospital\".")
    shared = {"seed": seed} | head_settings(section)
    section.finish()
    options = HeadOptions(**{key: shared[key] for key in ADJUSTING if key in shared})
    return ComparisonProtocol(**given, choose=choose, tested=tested, options=options), shared


def _tested(section: RecipeTable) -> PairSettings:
    """Read which differences of models are tested."""
    reference, pairs = section.take("reference", str | None, None), section.take_choice("pairs", PAIRS, PAIRS[0])
    primary = section.take("primary", str | list[str], [])
    with section.naming("primary"):
        for name in [primary] if isinstance(primary, str) else primary:
            known_metric(name, OVERALL)
    margin = section.take("margin", float | None, None)
    with section.naming("margin"):
        check_margin(margin)
    with section.naming("pairs"):
        return PairSettings.of(reference, pairs, primary, margin)
