"""The foundation's writers of CSV: what they write is read back as it was. What is said if a file cannot be written."""

import csv
import errno
import io
import os
from pathlib import Path

import pytest

from hybrid.files import cannot_write, csv_text, write_csv, write_csv_records


@pytest.mark.parametrize("cell", ["a,b", 'say "a"', "two\nlines", "one\rline", "both\r\nof them", " spaces ", ""])
def test_a_table_is_read_back_as_it_was(cell):
    rows = [[cell, "1"], ["x", cell]]
    assert [*csv.reader(io.StringIO(csv_text(["a", "b"], rows), newline=""))] == [["a", "b"], *rows]


def test_a_file_name_that_is_no_unicode_keeps_its_bytes(tmp_path):
    name = b"caf\xe9.png".decode(errors="surrogateescape")
    write_csv(tmp_path / "x.csv", ["image"], [[name]])
    assert (tmp_path / "x.csv").read_bytes() == b"image\ncaf\xe9.png\n"


def test_records_may_lack_columns_that_others_have(tmp_path):
    write_csv_records(tmp_path / "x.csv", [{"a": 1}, {"b": None, "c": "z"}], quote_text=True)
    assert (tmp_path / "x.csv").read_text() == '"a","b","c"\n1,"",""\n"","","z"\n'


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free disk space"),
        (errno.EROFS, "a disk that is not read-only"),
        (errno.EACCES, "permission to write"),
        (errno.ENOENT, "create the folder"),
        (errno.EIO, "give another folder"),
    ],
)
def test_the_advice_for_a_file_that_cannot_be_written_fits_the_error(number, advice):
    said = str(cannot_write(Path("runs/x.json"), OSError(number, os.strerror(number))))
    assert os.strerror(number) in said
    assert advice in said
    assert ("disk space" in said) == (number == errno.ENOSPC)
