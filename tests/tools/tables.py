"""Tables in CSV files."""

import csv


def read_rows(path):
    """Return the rows of a CSV file, each a dict of strings."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
