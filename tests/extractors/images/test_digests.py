"""The cache of file digests saves time and is never wrong."""

import os

import pytest
from PIL import Image

from hybrid.extractors.images.decode import BadImageError, bytes_digest
from hybrid.extractors.images.digests import FileDigests


def settled(monkeypatch):
    monkeypatch.setattr("hybrid.extractors.images.digests._SETTLED_NS", -(10**15))


def test_a_file_is_read_again_only_if_it_changed(cache, tmp_path, monkeypatch):
    settled(monkeypatch)
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    memory = FileDigests(cache)
    assert memory([str(path)]) == [bytes_digest(b"one")]
    with monkeypatch.context() as patch:
        patch.setattr("hybrid.extractors.images.digests.read_bytes", lambda path: pytest.fail("read again"))
        assert FileDigests(cache)([str(path)]) == [bytes_digest(b"one")]
    stat = path.stat()
    path.write_bytes(b"two")  # same size, same inode, and the same time put back, as `cp -p` or an archive does
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert memory([str(path)]) == [bytes_digest(b"two")]
    assert memory([str(path)]) == [bytes_digest(b"two")]


def test_a_file_changed_just_now_is_not_trusted(cache, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    FileDigests(cache)([str(path)])
    path.write_bytes(b"two")
    assert FileDigests(cache)([str(path)]) == [bytes_digest(b"two")]


def test_relative_paths_are_not_mixed_up(cache, tmp_path, monkeypatch):
    settled(monkeypatch)
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "image.png").write_text(name)
    monkeypatch.setattr("hybrid.extractors.images.digests._stamp", lambda path: (b"same", True))
    found = []
    for name in ("x", "y"):
        monkeypatch.chdir(tmp_path / name)
        found += FileDigests(cache)(["image.png"])
    assert found == [bytes_digest(b"x"), bytes_digest(b"y")]


@pytest.mark.skipif(os.name != "posix", reason="file names of any bytes are POSIX's")
def test_file_names_that_are_not_valid_text(cache, tmp_path, monkeypatch):
    settled(monkeypatch)
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"one")
    assert FileDigests(cache)([path]) == FileDigests(cache)([path]) == [bytes_digest(b"one")]


def test_losing_the_cache_of_digests_only_costs_time(cache, tmp_path, monkeypatch):
    settled(monkeypatch)
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    FileDigests(cache)([str(path)])
    (cache / "digests.sqlite").write_bytes(b"damaged" * 100)
    assert FileDigests(cache)([str(path)]) == [bytes_digest(b"one")]


def test_animations_are_counted_whether_they_are_read_or_remembered(cache, tmp_path, monkeypatch):
    settled(monkeypatch)
    paths = [tmp_path / f"{number}.gif" for number in range(3)]
    for number, path in enumerate(paths):
        frames = [Image.new("L", (4, 4), 80 * frame + number) for frame in range(3)]
        frames[0].save(path, save_all=True, append_images=frames[1:] if number else [])
    for _ in range(2):
        memory = FileDigests(cache)
        assert memory([str(path) for path in paths]) == [bytes_digest(path.read_bytes()) for path in paths]
        assert memory.animated == 2
        monkeypatch.setattr("hybrid.extractors.images.digests.read_bytes", lambda path: pytest.fail("read again"))


def test_files_that_cannot_be_read_are_named(cache, tmp_path):
    (tmp_path / "folder").mkdir()
    found = FileDigests(cache)([str(tmp_path / "missing"), str(tmp_path / "folder"), "null\0byte"])
    for error, name in zip(found, ("missing", "folder", "null"), strict=True):
        assert isinstance(error, BadImageError)
        assert name in str(error)
