"""`hybrid doctor`."""

from pathlib import Path
from typing import Any

import click

from hybrid.cli import completion
from hybrid.cli.help import documented_command, in_group
from hybrid.cli.options import DATA, extractor_options, json_option, make_extractor, max_pixels_option, seed_option
from hybrid.cli.output import loud_warnings, print_json, print_table

_SYNTHETIC = 24  # images that are generated
_FROM_FOLDER = 64  # images that are taken from a folder, evenly spread


@documented_command(
    ("Before you trust a network", "hybrid doctor mobilenet_v2"),
    ("Your own network, with your own images", "hybrid doctor my_network.keras --images PICTURES"),
)
@click.argument("backbone", shell_complete=completion.backbones)
@extractor_options
@in_group(
    DATA,
    click.option(
        "--images",
        type=click.Path(path_type=Path),
        default=None,
        help=f"Folder of images for the tests, of which {_FROM_FOLDER} are used. Default: {_SYNTHETIC} synthetic "
        "images.",
    ),
)
@max_pixels_option
@seed_option
@json_option
@click.pass_context
def doctor(context: click.Context, backbone: str, images: Path | None, seed: int, as_json: bool, **given: Any) -> None:
    """Test the extractor that BACKBONE and the options define. The exit code is 1 if a test fails.

    An image must have the same embedding alone and in a batch, in any order, in both runtimes, and every time. The
    preprocessing must be that of Keras, no layer may be in training mode, and no feature may be constant or not finite.
    The command prints what it measured. BACKBONE is a name from `hybrid backbones` or a .keras file.
    """
    from hybrid.extractors.doctor import examine

    extractor = make_extractor(backbone, seed, given)
    with loud_warnings():
        pictures = _images_from(images) if images else _synthetic_images(extractor)
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


def _synthetic_images(extractor: Any) -> Any:
    from hybrid.extractors.images.synthetic import synthetic_photographs

    identity = extractor.resolve()
    return synthetic_photographs(_SYNTHETIC, identity.size, identity.fields["channels"])


def _images_from(folder: Path) -> list[str]:
    from hybrid.models.predict import find_images

    paths = find_images([str(folder)])
    return paths[:: -(-len(paths) // _FROM_FOLDER)]


def _shown(status: str) -> str:
    return status.upper() if status in ("failed", "warning") else status


def _verdict(failed: list[str]) -> str:
    if not failed:
        return "All checks that were run have passed."
    return f"Do not trust this extractor. Failed: {', '.join(failed)}."
