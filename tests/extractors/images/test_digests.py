"""The digest of a file is that of its content, whatever its path, size, times and inode say."""

import os

import numpy as np
import pytest
from made_store import run
from PIL import Image

from hybrid.extractors.images.decoding import BadImageError, bytes_digest
from hybrid.extractors.images.digests import FileDigests

digests = FileDigests()


@pytest.fixture
def two_volumes(tmp_path, monkeypatch):
    """A picture on each of two volumes whose paths, sizes, times and inodes agree, and a function that mounts one."""
    mounted = tmp_path / "mnt"
    for number, shade in enumerate((40, 200)):
        folder = tmp_path / f"volume-{number}"
        folder.mkdir()
        Image.new("L", (4, 4), shade).save(folder / "image.bmp")
    stat = os.stat

    def same_stat(path, *args, **kwargs):
        found = stat(path, *args, **kwargs)
        if "mnt" not in str(path):
            return found
        times = dict.fromkeys(("st_atime_ns", "st_mtime_ns", "st_ctime_ns"), 10**18)
        return os.stat_result((found.st_mode, 2, 3, *found[3:7], 10**9, 10**9, 10**9), times)

    def mount(number):
        mounted.unlink(missing_ok=True)
        mounted.symlink_to(f"volume-{number}")
        return str(mounted / "image.bmp")

    monkeypatch.setattr(os, "stat", same_stat)
    return mount


@pytest.mark.skipif(os.name != "posix", reason="links need no permission on POSIX systems only")
def test_the_image_of_another_volume_at_the_same_path_gets_its_own_row(two_volumes, cache):
    rows = []
    for number in (0, 1, 0):
        done, store = run([two_volumes(number)], cache)
        rows += store.gather(done.keys).tolist()
    np.testing.assert_allclose(rows, [[40, 40], [200, 200], [40, 40]])


def test_a_file_changed_in_place_with_its_time_put_back_is_read_again(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    assert digests([str(path)]) == [bytes_digest(b"one")]
    stat = path.stat()
    path.write_bytes(b"two")  # same size, same inode, and the same time put back, as `cp -p` or an archive does
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert digests([str(path)]) == [bytes_digest(b"two")]


def test_digests_are_in_the_order_of_the_paths(tmp_path):
    contents = [b"%d" % number for number in range(300)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.bin").write_bytes(content)
    assert digests([str(tmp_path / f"{number}.bin") for number in range(300)]) == [*map(bytes_digest, contents)]


@pytest.mark.skipif(os.name != "posix", reason="file names of any bytes are POSIX's")
def test_file_names_that_are_not_valid_text(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"one")
    assert digests([path]) == [bytes_digest(b"one")]


def test_animations_are_counted(tmp_path):
    paths = [tmp_path / f"{number}.gif" for number in range(3)]
    for number, path in enumerate(paths):
        frames = [Image.new("L", (4, 4), 80 * frame + number) for frame in range(3)]
        frames[0].save(path, save_all=True, append_images=frames[1:] if number else [])
    files = FileDigests()
    assert files([str(path) for path in paths]) == [bytes_digest(path.read_bytes()) for path in paths]
    assert files.animated == 2


def test_files_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "folder").mkdir()
    found = digests([str(tmp_path / "missing"), str(tmp_path / "folder"), "null\0byte"])
    for error, name in zip(found, ("missing", "folder", "null"), strict=True):
        assert isinstance(error, BadImageError)
        assert name in str(error)
