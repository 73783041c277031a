"""Options that several commands share: those that were given are repeated in the commands that are printed."""

import shlex

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from hybrid.cli.options import data_options, given_options, seed_option
from hybrid.cli.output import shell_command


@pytest.mark.parametrize(
    "given",
    [
        "",
        "--window -600,1500 --bit-depth 12",
        "--dicom-tag KVP --dicom-tag ViewPosition --label Modality",
        "--val-as-test --split-names 'fold 1=train' --seed 3",
        "--split 70/15/15",
    ],
)
def test_what_the_user_gave_is_repeated_and_nothing_else(given):
    @click.command()
    @click.option("--name", default="x")
    @data_options
    @seed_option
    def command(name, **options):
        click.echo(shell_command(*given_options(options)))

    arguments = [*shlex.split(given), "--name", "other"]
    said = CliRunner().invoke(command, arguments, catch_exceptions=False).output
    assert sorted(shlex.split(said)) == sorted(shlex.split(given))


def test_split_prints_a_command_that_reads_pixels_in_the_same_way(hybrid, tmp_path):
    rng = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        for number in range(10):
            pixels = rng.integers(0, 4096, (8, 8)).astype(np.uint16)
            Image.fromarray(pixels).save(tmp_path / "d" / label / f"{number}.png")
    said = hybrid("split", "d", "--output", "s.csv", "--bit-depth", "12", "--window", "full")
    assert "hybrid extract s.csv --bit-depth 12 --window full" in said
