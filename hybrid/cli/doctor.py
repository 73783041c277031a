"""`hybrid doctor`."""

from pathlib import Path
from typing import Any

import click

from hybrid.cli.options import extractor_options, json_option, make_extractor, max_pixels_option, seed_option
from hybrid.cli.output import loud_warnings, print_json, print_table

_MADE = 24
_READ = 64  # of a folder, evenly spread


@click.command()
@click.argument("backbone")
@extractor_options
@click.option(
    "--images",
    type=click.Path(exists=True, path_type=Path),
    default=None,
    help=f"Folder of images to examine it on ({_READ} of them). Default: {_MADE} made pictures.",
)
@max_pixels_option
@seed_option
@json_option
@click.pass_context
def doctor(context: click.Context, backbone: str, images: Path | None, seed: int, as_json: bool, **given: Any) -> None:
    """Prove the extractor that BACKBONE and the options make; exit code 1 if a check fails.

    Same embedding alone or in a batch, in any order, in both runtimes, again and again; preprocessing as in Keras; no
    layer in training mode; no constant or non-finite features. It says what it measured. BACKBONE is a name of `hybrid
    backbones`, or a .keras file.
    """
    from hybrid.extractors.doctor import examine

    extractor = make_extractor(backbone, seed, given)
    with loud_warnings():
        pictures = _some_of(images) if images else _made(extractor)
        findings = examine(extractor, pictures)
        identity = extractor.resolve()
    sound = all(finding.status != "failed" for finding in findings)
    if as_json:
        print_json(
            {
                "backbone": backbone,
                "identity": identity.to_dict(),
                "fingerprint": identity.fingerprint,
                "images": str(images) if images else "made",
                "examined": len(pictures),
                "sound": sound,
                "findings": [vars(finding) for finding in findings],
            }
        )
    else:
        rows = [[finding.check, _shown(finding.status), finding.measured] for finding in findings]
        title = f"{backbone} cut at {', '.join(identity.fields['layers'])}, fingerprint {identity.fingerprint[:12]}"
        print_table(title, ["check", "result", "measured"], rows, left=3)
        click.echo(_verdict([finding.check for finding in findings if finding.status == "failed"]))
    context.exit(0 if sound else 1)


def _made(extractor: Any) -> Any:
    from hybrid.extractors.images.synthetic import synthetic_photographs

    identity = extractor.resolve()
    return synthetic_photographs(_MADE, identity.size, identity.fields["channels"])


def _some_of(folder: Path) -> list[str]:
    from hybrid.models.predict import find_images

    paths = find_images([str(folder)])
    return paths[:: -(-len(paths) // _READ)]


def _shown(status: str) -> str:
    return status.upper() if status in ("failed", "warning") else status


def _verdict(failed: list[str]) -> str:
    if not failed:
        return "Every check that was run has passed."
    return f"Do not trust it: failed: {', '.join(failed)}."
