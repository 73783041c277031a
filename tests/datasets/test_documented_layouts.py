"""Each row of the tables in docs/guides/datasets.md is built, read with its options and compared with its last cell."""

import csv
import re
import shlex
from itertools import count, product
from pathlib import Path
from zlib import crc32

import click
import numpy as np
import pytest
from made_dicom import dicom
from paths import ROOT
from PIL import Image

from hybrid.cli.options import data_options, on_bad_option, read_data, seed_option
from hybrid.errors import InputError
from hybrid.extractors.images import BadImageError, decode
from hybrid.extractors.images.decoding import read_bytes

PAGE = ROOT / "docs" / "guides" / "datasets.md"
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
        paths = [name for name, cell in row.items() if cell.endswith((".png", ".dcm"))]
        for name in paths:
            row[name] = re.sub(r"[^/]*\.(png|dcm)$", rf"{number}.\1", row[name])
        row = row if paths else {"path": f"{number}.png"} | row
        path = root / row[paths[0] if paths else "path"]
        (write_dicom if path.suffix == ".dcm" else write_image)(path, number)
        rows.append(row)
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return root / "table.csv"


def write_dicom(path, number):
    """Write a DICOM file whose name says what is unusual about it. Two files of a folder are of one patient."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = crc32(str(path.parent).encode())
    pixels = np.random.default_rng(crc32(str(path).encode())).integers(0, 4096, (2, 4, 4), dtype=np.uint16)
    is_anonymous = path.name.startswith("anonymous")
    elements = {
        "patient": "ANON" if is_anonymous else f"{folder}/{number // 2}",
        "StudyInstanceUID": f"1.2.{folder}.{number // (4 if is_anonymous else 1)}",
        "ViewPosition": "AP" if number % 2 else "PA",
        **({"PixelData": None} if path.name.startswith("report") else {}),
    }
    if path.name.startswith("frames"):
        path.write_bytes(dicom(pixels, bits=12, NumberOfFrames=2, **elements))
    else:
        path.write_bytes(dicom(pixels[0], bits=12, **elements))


def write_dicom_files(root, layout):
    if "; " in layout:
        return write_manifest(root, layout)
    for pattern, number in product(CODE.findall(layout), range(IMAGES)):
        path = root / pattern.replace("*", str(number))
        if path.name == "DICOMDIR":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(128) + b"DICM")
        elif path.name.startswith("photo"):
            write_image(path, crc32(str(path).encode()))
        else:
            write_dicom(path, number)
    return root


def write_archive(root, layout):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (20, 8, 8), dtype=np.uint8), np.arange(20) % 2
    np.savez(root / "data.npz", **{name: labels if "label" in name else images for name in CODE.findall(layout)})
    return root / "data.npz"


WRITERS = {
    "Folders": write_folders,
    "Manifests": write_manifest,
    "Labels of a manifest": write_manifest,
    "DICOM files": write_dicom_files,
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
    classes, split, *more = outcome.split("; ")
    assert dataset.classes.astype(str).tolist() == CODE.findall(classes)
    assert (dataset.task == "multilabel") == classes.startswith("labels ")
    given = re.findall(r"\b(train|val|test)\b", split) if split.endswith("given") else ["train"]
    drawn = " ".join(note for note in dataset.notes if "was given" in note)
    assert set(given) == {"train", "val", "test"} - set(re.findall("(val|test) [0-9]+ image", drawn))
    assert ("No split was given" in drawn) == (split == "a split is drawn")
    if kind == "DICOM files":
        check_dicom(dataset, *more)


def check_dicom(dataset, grouping, refusal=""):
    """Check what a row says about groups, and about files that cannot be decoded."""
    for path in dataset.X.tolist():
        if "/report" in path:
            with pytest.raises(BadImageError, match=re.search('"(.+)"', refusal)[1]):
                decode(read_bytes(path), (4, 4), 1)
        else:
            assert decode(read_bytes(path), (4, 4), 1).max() > 0
    size = {"grouped by patient": 2, "grouped by study": 4, "grouped otherwise": None}[grouping]
    expected = [
        path
        if "photo" in path
        else f"{Path(path).parent}/{int(re.search('([0-9]+)[^0-9/]*$', path)[1]) // (size or 1)}"
        for path in dataset.X.tolist()
    ]
    pairs = set(zip(dataset.groups.tolist(), expected, strict=True))
    assert (len(pairs) == len(set(expected)) == len(set(dataset.groups.tolist()))) == (size is not None)


def test_every_kind_of_layout_is_documented():
    assert {parameters.values[0] for parameters in documented()} == set(WRITERS)
