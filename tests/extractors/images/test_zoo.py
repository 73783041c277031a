"""The unusual files of `zoo.py`: each gets exactly one verdict, and the counts add up to the number of files."""

import json
import os
import shutil
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from zoo import JUNK, OTHER, OUTSIDE, READ, rgb, zoo

from hybrid.datasets import load_dataset
from hybrid.errors import InputError
from hybrid.extractors.images.decoding import BadImageError, read_bytes
from hybrid.extractors.images.source import ImageSource

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="names that are no text, pipes and /dev/zero are Linux's"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),  # Pillow remarks on damage that it reads past
]


@pytest.fixture
def animals(tmp_path):
    """The zoo as class "a" of a dataset; class "b" is ten plain pictures."""
    outside = tmp_path / "outside"
    outside.mkdir()
    Image.new("RGB", (4, 4)).save(outside / "image.png")
    return zoo(outside)


@pytest.fixture
def root(tmp_path, animals, monkeypatch):
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    monkeypatch.chdir(tmp_path)
    for beast in animals:
        beast.make(folder / "a" / beast.name)
    for number in range(10):
        Image.fromarray(np.full((8, 8, 3), 20 * number, np.uint8)).save(folder / "b" / f"{number}.png")
    return folder


def files_below(folder):
    """Return everything below a folder except folders; a link to a folder counts as a file."""
    found = []
    for where, folders, files in os.walk(folder):
        found += [Path(where, name) for name in files]
        found += [Path(where, name) for name in folders if Path(where, name).is_symlink()]
    return found


def test_there_are_many_kinds_of_unusual_files(animals):
    names = [beast.name for beast in animals]
    assert len(names) == len(set(names)) >= 40
    assert sum(beast.refused for beast in animals) >= 40
    assert sum(beast.verdict == READ for beast in animals) >= 40


def test_every_file_of_the_zoo_gets_its_verdict_and_the_counts_add_up(root, animals):
    data = load_dataset(root, on_bad="skip")
    verdicts = Counter("refused" if beast.refused else beast.verdict for beast in animals)
    of_a = {one.removeprefix("a/"): path for one, path in zip(data.ids, data.X, strict=True) if one.startswith("a/")}
    assert set(of_a) == {beast.name for beast in animals if beast.verdict == READ or beast.refused}
    counts = data.counts
    assert (counts["other_files"], counts["junk"], counts["links_out"]) == tuple(
        verdicts[v] for v in (OTHER, JUNK, OUTSIDE)
    )
    assert len(data) + counts["other_files"] + counts["junk"] + counts["links_out"] == len(files_below(root))
    said = {beast.name: verdict_of(of_a[beast.name]) for beast in animals if beast.name in of_a}
    for beast in animals:
        if beast.verdict == READ:
            assert said[beast.name] == READ, beast.name
        elif beast.refused:
            assert beast.verdict in said[beast.name], beast.name
            assert repr(beast.name)[1:-1] in said[beast.name]
            assert len(said[beast.name]) < 500


def verdict_of(path):
    try:
        _, pixels = ImageSource([str(path)]).decode(0, (16, 16), 3, "bilinear")
    except BadImageError as error:
        return str(error)
    assert pixels.shape == (16, 16, 3)
    return READ


def test_extract_skips_what_is_refused_and_names_it(hybrid, root, animals, tiny_network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = json.loads(hybrid("extract", root, "--backbone", tiny_network, "--on-bad", "skip", "--json"))
    reasons = {bad["id"].removeprefix("a/"): bad["reason"] for bad in found["skipped"]}
    expected = {beast.name: beast.verdict for beast in animals if beast.refused}
    assert set(reasons) == set(expected)
    for name, words in expected.items():
        assert words in reasons[name]
    assert found["images"] == 10 + sum(beast.verdict == READ for beast in animals)
    assert found["animated"] == 5


def test_the_first_refused_image_stops_an_extraction_in_one_sentence(hybrid, root, tiny_network):
    for path in files_below(root):
        if path.is_symlink():
            path.unlink()
    said = hybrid("extract", root, "--backbone", tiny_network, code=1)
    assert said.startswith("Error: Image '")
    assert "--on-bad skip" in said
    assert len(said.splitlines()) == 1


def test_links_out_are_refused_before_anything_is_extracted(hybrid, root, cache):
    assert "8 symbolic links lead out of" in hybrid("extract", root, "--backbone", "resnet50", code=1)
    assert not cache.exists()


@pytest.mark.medium
def test_data_lists_what_was_left_out(hybrid, root):
    found = json.loads(hybrid("data", root, "--json"))
    left_out = sum(found["counts"][name] for name in ("other_files", "junk", "links_out"))
    assert found["images"] + left_out == len(files_below(root))
    text = hybrid("data", root)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_an_image_that_vanishes_between_listing_and_reading_is_named(tmp_path):
    for label in "ab":
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(10):
            (tmp_path / "data" / label / f"{number}.png").write_bytes(rgb("PNG"))
    data = load_dataset(tmp_path / "data", together="none")
    shutil.rmtree(tmp_path / "data" / "a")
    with pytest.raises(BadImageError, match=r"a/0\.png' cannot be read: No such file or directory"):
        read_bytes(str(data.X[0]))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_an_image_without_permission_is_named():
    """The test runs as another user, since root may read everything."""
    folder = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / f"zoo-{os.getpid()}"
    folder.mkdir(mode=0o755)
    path = folder / "locked.png"
    path.write_bytes(rgb("PNG"))
    path.chmod(0)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            read_bytes(str(path))
        except InputError as error:
            os.write(write_end, str(error).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    said = os.read(read_end, 1000).decode()
    os.waitpid(child, 0)
    os.close(read_end)
    shutil.rmtree(folder)
    assert said == f"Image {str(path)!r} cannot be read: Permission denied."
