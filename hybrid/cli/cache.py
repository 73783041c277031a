"""`hybrid cache list | verify | gc | rm | explain`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli.options import (
    cache_option,
    extractor_options,
    json_option,
    make_extractor,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import loud_warnings, print_json, print_notes, print_table
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.extractors.store.explain import Explanation

_yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
_SHOWN = 24  # characters of a value


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cache() -> None:
    """Look after the embedding store: what is in it, whether it is whole, what can go."""


@cache.command("list")
@cache_option
@json_option
def list_(cache: str | None, as_json: bool) -> None:
    """List the extractors that have embeddings in the store, the last used first."""
    from hybrid.extractors.store.manage import list_extractors

    folder = _folder(cache)
    found = list_extractors(folder)
    if as_json:
        print_json({"cache": str(folder), "extractors": [extractor.to_dict() for extractor in found]})
        return
    rows = []
    for extractor in found:
        fields = extractor.identity.fields if extractor.identity else {}
        rows.append(
            [extractor.fingerprint[:12], extractor.backbone or "?", ", ".join(map(str, fields.get("layers", "?"))),
             fields.get("pooling", "?"), "×".join(map(str, fields.get("size", "?"))), _day(extractor.created),
             _day(extractor.used), f"{extractor.rows:,}", _megabytes(extractor.bytes)]
        )  # fmt: skip
    columns = ["extractor", "backbone", "layers", "pooling", "size", "created", "last used", "rows", "MB"]
    print_table(f"{folder}: {len(found)} extractors", columns, rows, left=7)


@cache.command()
@cache_option
@json_option
@click.pass_context
def verify(context: click.Context, cache: str | None, as_json: bool) -> None:
    """Check every checksum in the store and name what is damaged; exit code 1 if anything is."""
    from hybrid.extractors.store.check import find_damage
    from hybrid.extractors.store.manage import list_extractors

    folder = _folder(cache)
    found = list(find_damage(folder))
    extractors = list_extractors(folder)
    shards, rows = sum(item.shards for item in extractors), sum(item.rows for item in extractors)
    if as_json:
        damaged = [{"path": str(finding.path), "reason": finding.reason} for finding in found]
        print_json({"cache": str(folder), "shards": shards, "rows": rows, "damaged": damaged})
    else:
        print_notes([f"{finding.path.relative_to(folder)}: {finding.reason}" for finding in found])
        click.echo(
            f"{len(found)} damaged: `hybrid cache gc` removes them, extracting again computes what is missing."
            if found
            else f"All {shards} shards ({rows:,} embeddings) of {len(extractors)} extractors match their checksums."
        )
    context.exit(1 if found else 0)


@cache.command()
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=None,
    metavar="DAYS",
    help="Remove, too, all embeddings of extractors not used for so many days, unless a set of this workspace needs "
    "them. Sets of other workspaces are not known here: they would need `hybrid extract` again.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@cache_option
@workspace_option
@json_option
def gc(older_than: float | None, dry_run: bool, cache: str | None, workspace: Path, as_json: bool) -> None:
    """Remove damaged files, what killed runs left behind and rows stored twice; merge small shards.

    No embedding is lost by it, unless --older-than is given. Others may use the store at the same time.
    """
    from hybrid.extractors.store.manage import collect_garbage

    folder = _folder(cache)
    keep = set(_sets_by_fingerprint(workspace))
    found = list(collect_garbage(folder, older_than=older_than, keep=keep, dry_run=dry_run))
    freed = sum(garbage.bytes for garbage in found)
    if as_json:
        removed = [vars(garbage) for garbage in found]
        print_json({"cache": str(folder), "dry_run": dry_run, "bytes": freed, "removed": removed})
        return
    print_notes([f"{Path(garbage.what).relative_to(folder)}: {garbage.reason}" for garbage in found])
    click.echo(f"{'Would free' if dry_run else 'Freed'} {_megabytes(freed)} MB.")


@cache.command()
@click.argument("fingerprints", nargs=-1, metavar="FINGERPRINT…")
@click.option("--all", "all_", is_flag=True, help="Of all extractors.")
@_yes_option
@cache_option
@workspace_option
@json_option
def rm(fingerprints: tuple[str, ...], all_: bool, yes: bool, cache: str | None, workspace: Path, as_json: bool) -> None:
    """Remove all that is stored of extractors; the first digits of a fingerprint will do.

    Asks first, and names the sets of this workspace that need them. They can be computed again.
    """
    from hybrid.extractors.store.manage import find_extractor, list_extractors, remove_extractor

    if all_ == bool(fingerprints):
        raise click.UsageError("Give the FINGERPRINT of an extractor (`hybrid cache list`), or --all.")
    folder = _folder(cache)
    found = list_extractors(folder) if all_ else [find_extractor(folder, given) for given in fingerprints]
    found = list({extractor.fingerprint: extractor for extractor in found}.values())
    needed = _sets_by_fingerprint(workspace)
    if found and not yes:
        for extractor in found:
            sets = ", ".join(needed.get(extractor.fingerprint, []))
            click.echo(
                f"  {extractor.fingerprint[:12]} {extractor.backbone}: {extractor.rows:,} embeddings, "
                f"{_megabytes(extractor.bytes)} MB{f', needed by {sets}' if sets else ''}",
                err=True,
            )
        click.confirm("Remove them?", abort=True, err=True)
    for extractor in found:
        remove_extractor(folder, extractor.fingerprint)
    if as_json:
        print_json({"cache": str(folder), "removed": [extractor.to_dict() for extractor in found]})
        return
    click.echo(f"Removed {len(found)} extractors, {_megabytes(sum(extractor.bytes for extractor in found))} MB.")


@cache.command()
@click.argument("image", type=click.Path(dir_okay=False))
@click.option("--backbone", required=True, metavar="NAME|FILE", help="As `hybrid extract` takes it.")
@extractor_options
@seed_option
@json_option
def explain(image: str, backbone: str, seed: int, as_json: bool, **given: Any) -> None:
    """Say whether the embedding of IMAGE is stored, and if not, what differs from the nearest one that is.

    The options are those of `hybrid extract`; the network is built if it was never used with this store.
    """
    from hybrid.extractors.images.decode import bytes_digest, read_bytes
    from hybrid.extractors.store.explain import explain as explain_image

    extractor = make_extractor(backbone, seed, given)
    digest = bytes_digest(read_bytes(image))
    with loud_warnings():
        found = explain_image(extractor.cache_folder, extractor.resolve(), digest)
    if as_json:
        others = [vars(other) for other in found.others]
        print_json({"image": image, **vars(found), "others": others})
        return
    print_notes(_sentences(found))


def _sentences(found: "Explanation") -> list[str]:
    image = f"The image {found.digest[:12]}"
    said = [f"{image} would {'' if found.stored else 'not '}hit: extractor {found.fingerprint[:12]}."]
    if found.stored:
        return said
    if found.others:
        nearest = found.others[0]
        name = f"{nearest.fingerprint[:12]}{f' ({nearest.backbone})' if nearest.backbone else ''}"
        said.append(f"{len(found.others)} other extractors have this image; the nearest, {name}, differs in:")
        said += [f"{key}: {_short(here)} here, {_short(there)} there" for key, (here, there) in nearest.differs.items()]
    else:
        said.append("No extractor has this image: its bytes are not those of any image that was extracted.")
    if found.rows:
        said.append(f"This extractor has {found.rows:,} embeddings, of other images.")
    else:
        said.append("This extractor has no embeddings yet.")
    return said


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{text[:12]}…" if len(text) == 64 else text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}…"


def _folder(cache: str | None) -> Path:
    from hybrid.extractors.store.store import default_cache

    return Path(cache).expanduser() if cache else default_cache()


def _sets_by_fingerprint(workspace: Path) -> dict[str, list[str]]:
    """Return which embedding sets of a workspace need which extractor."""
    from hybrid.workspace.set_record import SetRecord

    sets: dict[str, list[str]] = {}
    for path in Workspace(workspace).records("sets"):
        sets.setdefault(SetRecord.read(path).extractor.fingerprint, []).append(path.stem)
    return sets


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f}"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
