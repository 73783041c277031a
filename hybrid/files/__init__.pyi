from .checksums import file_digest, read_sealed, remove_seal, write_sealed
from .csv_files import csv_text, plain_start, unguarded, write_csv, write_csv_records
from .folders import locked, replace_folder, restore_folder, restore_folders
from .json_files import json_bytes, parse_json, read_json, write_json
from .large_arrays import (
    array_on_disk,
    fits_comfortably,
    is_on_disk,
    physical_memory,
    released_blocks,
    row_blocks,
    usable_memory,
)
from .temporary import is_abandoned, remove_abandoned, temporary_name
from .writing import Writer, cannot_write, expanded, write_atomic, write_output

__all__ = [
    "Writer",
    "array_on_disk",
    "cannot_write",
    "csv_text",
    "expanded",
    "file_digest",
    "fits_comfortably",
    "is_abandoned",
    "is_on_disk",
    "json_bytes",
    "locked",
    "parse_json",
    "physical_memory",
    "plain_start",
    "read_json",
    "read_sealed",
    "released_blocks",
    "remove_abandoned",
    "remove_seal",
    "replace_folder",
    "restore_folder",
    "restore_folders",
    "row_blocks",
    "temporary_name",
    "unguarded",
    "usable_memory",
    "write_atomic",
    "write_csv",
    "write_csv_records",
    "write_json",
    "write_output",
    "write_sealed",
]
