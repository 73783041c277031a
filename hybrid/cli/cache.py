"""`hybrid cache list | verify | gc | rm | explain`."""

import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybrid.cli import completion
from hybrid.cli.help import Command, Group, examples, in_group
from hybrid.cli.options import (
    cache_option,
    extractor_options,
    json_option,
    make_extractor,
    seed_option,
    workspace_option,
)
from hybrid.cli.output import loud_warnings, print_json, print_notes, print_table
from hybrid.wording import number
from hybrid.workspace.workspace import Workspace

if TYPE_CHECKING:
    from hybrid.extractors.store.explain import Explanation

_yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
_MAX_LENGTH = 48  # characters shown of a value


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        ("What is stored, and how large it is", "hybrid cache list"),
        ("Is everything as it was written?", "hybrid cache verify"),
    ),
)
def cache() -> None:
    """Manage the embedding store: show its content, check it, and remove what is not needed."""


@cache.command(
    "list",
    cls=Command,
    epilog=examples(
        ("The extractors whose embeddings are stored", "hybrid cache list"),
    ),
)
@cache_option
@json_option
def list_(cache: str | None, as_json: bool) -> None:
    """List the extractors in the store, the last used one first."""
    from hybrid.extractors.store.manage import list_extractors
    from hybrid.extractors.store.remote import remote_of

    folder = _folder(cache)
    remote = remote_of(folder)
    sizes = remote.fold_all() if remote else {}
    extractors = [replace(one, bytes=sizes.get(one.fingerprint, one.bytes)) for one in list_extractors(folder)]
    name = remote.address if remote else str(folder)
    if as_json:
        print_json({"cache": name, "extractors": [extractor.to_dict() for extractor in extractors]})
        return
    rows = []
    for extractor in extractors:
        fields = extractor.identity.fields if extractor.identity else {}
        rows.append(
            [extractor.fingerprint[:12], extractor.backbone or "?", ", ".join(map(str, fields.get("layers", "?"))),
             fields.get("pooling", "?"), "×".join(map(str, fields.get("size", "?"))), _day(extractor.created),
             _day(extractor.used), f"{extractor.rows:,}", _megabytes(extractor.bytes)]
        )  # fmt: skip
    columns = ["extractor", "backbone", "layers", "pooling", "size", "created", "last used", "rows", "MB"]
    print_table(f"{name}: {number(len(extractors), 'extractor')}", columns, rows, left=7)


@cache.command(
    cls=Command,
    epilog=examples(
        ("Check all files", "hybrid cache verify"),
    ),
)
@cache_option
@json_option
@click.pass_context
def verify(context: click.Context, cache: str | None, as_json: bool) -> None:
    """Check all checksums in the store and list damaged files. The exit code is 1 if there are any.

    If the store is at an address such as s3://bucket/prefix, all of it is read, and the copies on this machine, too.
    """
    from hybrid.extractors.store.check import find_damage, find_remote_damage
    from hybrid.extractors.store.manage import list_extractors
    from hybrid.extractors.store.remote import remote_of

    folder = _folder(cache)
    remote = remote_of(folder)
    if remote:
        remote.fold_all()
    damaged_files = [*find_remote_damage(folder), *find_damage(folder)]
    name = remote.address if remote else str(folder)
    extractors = list_extractors(folder)
    shards, rows = sum(item.shards for item in extractors), sum(item.rows for item in extractors)
    if as_json:
        damaged = [{"path": str(damage.path), "reason": damage.reason} for damage in damaged_files]
        print_json({"cache": name, "shards": shards, "rows": rows, "damaged": damaged})
    else:
        print_notes([f"{damage.path.relative_to(folder)}: {damage.reason}" for damage in damaged_files])
        click.echo(
            f"{number(len(damaged_files), 'damaged file')}: `hybrid cache gc` removes them, and `hybrid extract` "
            "computes the missing embeddings again."
            if damaged_files
            else f"All {number(shards, 'shard')} ({rows:,} embeddings) of {number(len(extractors), 'extractor')} match "
            "their checksums."
        )
    context.exit(1 if damaged_files else 0)


@cache.command(
    cls=Command,
    epilog=examples(
        ("What would be removed?", "hybrid cache gc --dry-run"),
        ("Also what was not used for 90 days", "hybrid cache gc --older-than 90"),
    ),
)
@click.option(
    "--older-than",
    type=click.FloatRange(min=0),
    default=None,
    metavar="DAYS",
    help="Also remove all embeddings of extractors that were not used for this number of days, unless an embedding set "
    "of this workspace needs them. Sets of other workspaces are not known here and would have to be extracted "
    "again.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@cache_option
@workspace_option
@json_option
def gc(older_than: float | None, dry_run: bool, cache: str | None, workspace: Path, as_json: bool) -> None:
    """Remove garbage from the store and merge small shards.

    Garbage is damaged files, remains of killed runs and duplicate rows. No valid embedding is lost unless --older-than
    is given. Other processes may use the store at the same time. If the store is at an address such as
    s3://bucket/prefix, only copies on this machine are removed; they are fetched again when they are needed.
    """
    from hybrid.extractors.store.manage import collect_garbage
    from hybrid.extractors.store.remote import remote_of

    folder = _folder(cache)
    keep = set(_sets_by_fingerprint(workspace))
    all_garbage = list(collect_garbage(folder, older_than=older_than, keep=keep, dry_run=dry_run))
    freed = sum(garbage.bytes for garbage in all_garbage)
    if as_json:
        removed = [vars(garbage) for garbage in all_garbage]
        print_json({"cache": str(folder), "dry_run": dry_run, "bytes": freed, "removed": removed})
        return
    print_notes([f"{Path(garbage.what).relative_to(folder)}: {garbage.reason}" for garbage in all_garbage])
    remote = remote_of(folder)
    what = f" of copies on this machine; nothing at {remote.address} is ever removed" if remote else ""
    click.echo(f"{'Would free' if dry_run else 'Freed'} {_megabytes(freed)} MB{what}.")


@cache.command(
    cls=Command,
    epilog=examples(
        ("The first digits are in hybrid cache list", "hybrid cache rm 3f2a9c1b"),
        ("Everything", "hybrid cache rm --all"),
    ),
)
@click.argument("fingerprints", nargs=-1, metavar="[FINGERPRINT]...")
@click.option("--all", "all_", is_flag=True, help="Remove the embeddings of all extractors.")
@_yes_option
@cache_option
@workspace_option
@json_option
def rm(fingerprints: tuple[str, ...], all_: bool, yes: bool, cache: str | None, workspace: Path, as_json: bool) -> None:
    """Remove all stored embeddings of extractors.

    The first digits of a FINGERPRINT suffice. The command first asks for confirmation and names the embedding sets of
    this workspace that need the embeddings. They can be computed again.
    """
    from hybrid.extractors.store.manage import find_extractor, list_extractors, remove_extractor
    from hybrid.extractors.store.remote import remote_of

    if all_ == bool(fingerprints):
        raise click.UsageError("Give the FINGERPRINT of an extractor (`hybrid cache list`), or --all.")
    folder = _folder(cache)
    if remote := remote_of(folder):
        raise click.ClickException(
            f"Nothing at {remote.address} is ever removed by hybrid, because other machines may use it: remove objects "
            f"below {remote.address}/embeddings with your provider's tools, and the copies on this machine with the "
            f"folder {str(folder)!r}."
        )
    extractors = list_extractors(folder) if all_ else [find_extractor(folder, given) for given in fingerprints]
    extractors = list({extractor.fingerprint: extractor for extractor in extractors}.values())
    needed = _sets_by_fingerprint(workspace)
    if extractors and not yes:
        for extractor in extractors:
            sets = ", ".join(needed.get(extractor.fingerprint, []))
            click.echo(
                f"  {extractor.fingerprint[:12]} {extractor.backbone}: {extractor.rows:,} embeddings, "
                f"{_megabytes(extractor.bytes)} MB{f', needed by {sets}' if sets else ''}",
                err=True,
            )
        try:
            click.confirm("Remove them?", abort=True, err=True)
        except click.Abort:
            if sys.stdin.isatty():
                raise
            raise click.ClickException(
                "Nothing was removed, because nobody confirmed it. In a script, give --yes."
            ) from None
    for extractor in extractors:
        remove_extractor(folder, extractor.fingerprint)
    if as_json:
        print_json({"cache": str(folder), "removed": [extractor.to_dict() for extractor in extractors]})
        return
    freed = _megabytes(sum(extractor.bytes for extractor in extractors))
    click.echo(f"Removed the embeddings of {number(len(extractors), 'extractor')}, {freed} MB.")


@cache.command(
    cls=Command,
    epilog=examples(
        ("Is this image computed again, and why?", "hybrid cache explain a.png --backbone mobilenet_v2"),
    ),
)
@click.argument("image", type=click.Path(dir_okay=False))
@in_group(
    "Features",
    click.option(
        "--backbone",
        required=True,
        metavar="NAME|FILE",
        shell_complete=completion.backbones,
        help="As for `hybrid extract`.",
    ),
)
@extractor_options
@seed_option
@json_option
def explain(image: str, backbone: str, seed: int, as_json: bool, **given: Any) -> None:
    """Show whether the embedding of IMAGE is stored, or why not.

    If it is not stored, the command shows how the given extractor differs from the most similar one that has an
    embedding of the image. The options are those of `hybrid extract`. The network is built if it was never used with
    this store.
    """
    from hybrid.extractors.images.decoding import bytes_digest, read_bytes
    from hybrid.extractors.store.explain import explain as explain_image

    extractor = make_extractor(backbone, seed, given)
    digest = bytes_digest(read_bytes(image))
    with loud_warnings():
        explanation = explain_image(extractor.cache_folder, extractor.resolve(), digest)
    if as_json:
        others = [vars(other) for other in explanation.others]
        print_json({"image": image, **vars(explanation), "others": others})
        return
    print_notes(_sentences(explanation))


def _sentences(explanation: "Explanation") -> list[str]:
    stored = "stored" if explanation.stored else "not stored"
    extractor = explanation.fingerprint[:12]
    sentences = [f"The embedding of the image {explanation.digest[:12]} by the extractor {extractor} is {stored}."]
    if explanation.stored:
        return sentences
    if explanation.others:
        nearest = explanation.others[0]
        name = f"{nearest.fingerprint[:12]}{f' ({nearest.backbone})' if nearest.backbone else ''}"
        have = number(len(explanation.others), "other extractor has", "other extractors have")
        sentences.append(f"{have} embeddings of this image; the most similar extractor, {name}, differs in:")
        sentences += [
            f"{key}: {_short(here)} here, {_short(there)} there" for key, (here, there) in nearest.differs.items()
        ]
    else:
        sentences.append("No extractor has an embedding of this image: no image with the same bytes was extracted.")
    if explanation.rows:
        sentences.append(f"This extractor has {explanation.rows:,} embeddings of other images.")
    else:
        sentences.append("This extractor has no embeddings yet.")
    return sentences


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{text[:12]}…" if len(text) == 64 else text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def _folder(cache: str | None) -> Path:
    from hybrid.extractors.store.store import default_cache, open_cache

    return open_cache(cache) if cache else default_cache()


def _sets_by_fingerprint(workspace: Path) -> dict[str, list[str]]:
    """Return the names of the embedding sets of a workspace by the fingerprint of their extractor."""
    from hybrid.workspace.set_record import SetRecord

    sets: dict[str, list[str]] = {}
    for path in Workspace(workspace).records("sets"):
        sets.setdefault(SetRecord.read(path).extractor.fingerprint, []).append(path.stem)
    return sets


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f}"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"
