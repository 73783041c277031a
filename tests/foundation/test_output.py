"""A file that the user named: only regular files are replaced, and everything else is written into."""

import os
import stat
import threading

import pytest

from hybrid.errors import InputError
from hybrid.files import write_atomic, write_output

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices, pipes and free links are POSIX's")


def write(path, content=b"new"):
    write_output(path, lambda file: file.write(content))


def read_pipe(path):
    """Read a pipe in a thread; return a function that returns what came."""
    found = []
    thread = threading.Thread(target=lambda: found.append(path.read_bytes()), daemon=True)
    thread.start()
    return lambda: thread.join(5) or b"".join(found)


def test_a_pipe_is_written_into_and_stays(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = read_pipe(path)
    write(path, b"x" * 200_000)  # more than a pipe holds at a time
    assert content() == b"x" * 200_000
    assert path.is_fifo()


def test_a_device_is_written_into_and_stays(tmp_path):
    path = tmp_path / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))  # as /dev/null
        path.read_bytes()
    except PermissionError:
        pytest.skip("only root can make devices, and not on every file system")
    write(path)
    assert path.is_char_device()
    assert [*tmp_path.iterdir()] == [path]


def test_a_terminal_behind_a_link_is_written_into(tmp_path):
    master, slave = os.openpty()
    (tmp_path / "link").symlink_to(os.ttyname(slave))
    write(tmp_path / "link", b"hello")
    assert os.read(master, 5) == b"hello"
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("existing", [True, False])
def test_a_link_stays_and_its_target_is_written(tmp_path, existing):
    target = tmp_path / "folder" / "target.csv"
    target.parent.mkdir()
    if existing:
        target.write_bytes(b"old")
    (tmp_path / "second").symlink_to("folder/target.csv")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    write(tmp_path / "first")
    assert target.read_bytes() == b"new"
    assert (tmp_path / "first").is_symlink()
    assert (tmp_path / "second").is_symlink()
    assert [*target.parent.iterdir()] == [target]


def test_a_circle_of_links_and_a_folder_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for path in (tmp_path / "a", tmp_path):
        with pytest.raises(InputError, match="cannot be written"):
            write(path)


def test_the_link_of_another_user_in_a_shared_folder_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(
        "pathlib.Path.lstat", lambda path: os.stat_result((stat.S_IFLNK | 0o777, 0, 0, 1, 4321, *[0] * 5))
    )
    with pytest.raises(InputError, match="link of another user"):
        write(tmp_path / "link")
    assert (tmp_path / "target").read_bytes() == b"old"


def test_the_permissions_of_a_replaced_file_are_kept(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write(path)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_is_not_harmed_if_the_new_one_cannot_be_written(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_output(path, fail)
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("name", ["/dev/stdout", "/proc/self/fd/1"])
def test_standard_output_that_is_a_file_is_continued(tmp_path, python, name):
    code = f"""
import os
from pathlib import Path
from hybrid.files import write_output
os.dup2(os.open("out.txt", os.O_WRONLY | os.O_CREAT), 1)
os.write(1, b"before ")
write_output(Path({name!r}), lambda file: file.write(b"output"))
"""
    python(code)
    assert (tmp_path / "out.txt").read_bytes() == b"before output"


def test_files_of_the_product_replace_a_planted_link(tmp_path):
    (tmp_path / "private").write_bytes(b"old")
    (tmp_path / "record.json").symlink_to("private")
    write_atomic(tmp_path / "record.json", lambda file: file.write(b"new"))
    assert (tmp_path / "private").read_bytes() == b"old"
    assert not (tmp_path / "record.json").is_symlink()
