"""The digest of a network's file: read once in a process, and again when its content could be another."""

import hashlib
import os

import pytest

from hybrid.extractors import Extractor
from hybrid.extractors.backbones import network_files
from hybrid.extractors.backbones.network_files import network_digest

LONG_AGO = 1_500_000_000_123_456_789  # ns


@pytest.fixture
def reads(monkeypatch):
    """Paths of the files whose whole content was read for a digest."""
    paths, digest = [], hashlib.file_digest

    def counted(file, name):
        paths.append(str(file.name))
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    monkeypatch.setattr(network_files, "_digests", {})
    return paths


@pytest.fixture
def settled(monkeypatch):
    """A clock that is an hour ahead: no file was changed just now."""
    now = network_files.time.time_ns
    monkeypatch.setattr(network_files.time, "time_ns", lambda: now() + 3_600_000_000_000)


def write(path, content, mtime=LONG_AGO):
    path.write_bytes(content)
    os.utime(path, ns=(mtime, mtime))
    return path


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.usefixtures("settled")
def test_an_unchanged_file_is_read_once_by_whatever_path(tmp_path, reads):
    path = write(tmp_path / "a.keras", b"one")
    (tmp_path / "link.keras").symlink_to(path)
    assert {network_digest(each) for each in (path, path, tmp_path / "link.keras")} == {sha256(b"one")}
    assert len(reads) == 1


@pytest.mark.usefixtures("settled")
def test_another_content_of_the_same_size_and_time_is_seen(tmp_path, reads):
    path = write(tmp_path / "a.keras", b"one")
    network_digest(path)
    assert network_digest(write(path, b"two")) == sha256(b"two")  # in place
    write(tmp_path / "b.keras", b"six").replace(path)
    assert network_digest(path) == sha256(b"six")
    assert len(reads) == 3


def test_a_file_that_was_changed_just_now_is_read_again(tmp_path, reads):
    path = write(tmp_path / "a.keras", b"one")
    for _ in range(2):
        network_digest(path)
    assert len(reads) == 2


@pytest.mark.usefixtures("settled")
def test_stamps_of_whole_seconds_are_not_trusted(tmp_path, reads, monkeypatch):
    """Two volumes that are mounted in turn can have files of the same number, size and times."""
    path = write(tmp_path / "a.keras", b"one")
    stamp = network_files._stamp
    monkeypatch.setattr(network_files, "_stamp", lambda file: (*stamp(file)[:-2], 10**18, 10**18))
    network_digest(path)
    path.write_bytes(b"two")
    assert network_digest(path) == sha256(b"two")


@pytest.mark.usefixtures("settled", "exported_graph")
def test_an_extraction_reads_the_file_of_its_network_once(tiny_network, reads, image_folder):
    extractor = Extractor(tiny_network, runtime="openvino")
    extractor.check()
    extractor.resolve()
    extractor.extract([str(path) for path in sorted(image_folder.rglob("*.png"))[:2]])
    assert reads.count(str(tiny_network)) == 1
