"""Every row of the tables in docs/datasets.md is built, read with its options, and compared with its last column."""

import csv
import re
import shlex
from itertools import count, product
from zlib import crc32

import click
import numpy as np
import pytest
from paths import ROOT
from PIL import Image

from hybrid.cli.options import data_options, on_bad_option, read_data, seed_option
from hybrid.errors import InputError

PAGE = ROOT / "docs" / "datasets.md"
CODE = re.compile(r"`([^`]*)`")
IMAGES = 8  # images in each folder, or for each combination of cells


def documented():
    """Yield the heading of each table and the cells of each of its rows."""
    heading = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| ") and heading:
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if CODE.search(cells[0]):
                yield pytest.param(heading, *cells, id=f"{heading}: {cells[0]} {cells[1]}".replace("`", "").strip())


def write_image(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="PNG")


def write_folders(root, layout):
    for folder, number in product(CODE.findall(layout), range(IMAGES)):
        write_image(root / folder / f"{number}.png", crc32(f"{folder}/{number}".encode()))
    return root


def write_manifest(root, layout):
    """Write a table with every combination of the cells. A path in it stands for a folder and a suffix."""
    columns = {}
    for part in layout.split("; "):
        name, *cells = CODE.findall(part)
        columns[name] = cells
    numbers, rows = count(), []
    for cells in list(product(*columns.values())) * IMAGES:
        row, number = dict(zip(columns, cells, strict=True)), next(numbers)
        paths = [name for name, cell in row.items() if cell.endswith(".png")]
        for name in paths:
            row[name] = re.sub(r"[^/]*\.png$", f"{number}.png", row[name])
        row = row if paths else {"path": f"{number}.png"} | row
        write_image(root / row[paths[0] if paths else "path"], number)
        rows.append(row)
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return root / "table.csv"


def write_archive(root, layout):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8), np.arange(20) % 2
    np.savez(root / "data.npz", **{name: labels if "label" in name else images for name in CODE.findall(layout)})
    return root / "data.npz"


WRITERS = {
    "Folders": write_folders,
    "Manifests": write_manifest,
    "Labels of a manifest": write_manifest,
    "Archives": write_archive,
}


def read(data, options):
    """Read a dataset as a command does that is given these options."""

    @click.command()
    @data_options
    @on_bad_option
    @seed_option
    def command(**given):
        return read_data(str(data), **given)

    return command.main(shlex.split(options), standalone_mode=False)


@pytest.mark.parametrize(("kind", "layout", "options", "outcome"), list(documented()))
def test_the_documentation_says_how_a_layout_is_read(tmp_path, kind, layout, options, outcome):
    (tmp_path / "data").mkdir()
    data = WRITERS[kind](tmp_path / "data", layout)
    options = " ".join(CODE.findall(options))
    if refusal := re.fullmatch(r'refused: "(.+)"', outcome):
        with pytest.raises(InputError) as caught:
            read(data, options)
        assert refusal[1] in str(caught.value)
        return
    dataset = read(data, options)
    classes, _, split = outcome.partition("; ")
    assert dataset.classes.astype(str).tolist() == CODE.findall(classes)
    assert (dataset.task == "multilabel") == classes.startswith("labels ")
    given = re.findall(r"\b(train|val|test)\b", split) if split.endswith("given") else ["train"]
    drawn = " ".join(note for note in dataset.notes if "was given" in note)
    assert set(given) == {"train", "val", "test"} - set(re.findall("(val|test) [0-9]+ image", drawn))
    assert ("No split was given" in drawn) == (split == "a split is drawn")


def test_every_kind_of_layout_is_documented():
    assert {parameters.values[0] for parameters in documented()} == set(WRITERS)
