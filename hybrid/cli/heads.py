"""`hybrid heads`."""

from hybrid.classifiers import HEADS
from hybrid.cli.help import documented_command
from hybrid.cli.options import json_option
from hybrid.cli.output import print_json, print_table


@documented_command(
    ("All heads, their defaults and what --tune searches", "hybrid heads"),
)
@json_option
def heads(as_json: bool) -> None:
    """List the available heads, with their default settings and the settings that --tune searches."""
    rows = [(row, row.load()) for row in HEADS.values()]
    if as_json:
        print_json(
            {
                "heads": [
                    {
                        "name": row.name,
                        "summary": row.summary,
                        "defaults": kind().get_params(),
                        "search": kind.search_space(),
                    }
                    for row, kind in rows
                ]
            }
        )
        return
    for row, kind in rows:
        defaults = ", ".join(f"{key}={value!r}" for key, value in kind().get_params().items())
        search = "; ".join(f"{key}: {', '.join(map(str, values))}" for key, values in kind.search_space().items())
        print_table("", [row.name, row.summary], [["defaults", defaults], ["--tune", search]], left=2)
