"""`hybrid demo`: what it says and which commands it runs. The commands themselves have their own tests."""

import shlex

import click
import pytest

from hybrid.cli import demo
from hybrid.cli.main import main
from hybrid.datasets.cells.draw import draw_pictures
from hybrid.datasets.readers import cells


@pytest.fixture
def ran(monkeypatch):
    """Let the demo only record its commands, as lists of words."""
    commands = []
    monkeypatch.setattr(cells, "_drawn", lambda kind: draw_pictures(kind, 20, 3))
    monkeypatch.setattr(main, "main", lambda args, **options: commands.append(args))
    return commands


def start(monkeypatch, *args):
    monkeypatch.setattr(click, "secho", lambda text, **style: click.echo(text))
    demo.demo.main(list(args), standalone_mode=False)


def test_every_command_of_the_demo_is_valid(monkeypatch, ran, tmp_path):
    start(monkeypatch, "--workspace", str(tmp_path))
    assert [args[0] for args in ran] == ["data", "train", "extract", "fit", "fit", "fit", "fit", "compare", "predict"]
    for name, *args in ran:
        assert args[-2:] == ["--workspace", str(tmp_path)]
        main.get_command(None, name).make_context(name, args)  # raises if an option or a file does not exist


@pytest.mark.parametrize("columns", [60, 120])
def test_it_says_what_it_does_and_ends_with_three_commands_to_try(monkeypatch, ran, tmp_path, capsys, columns):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", str(columns))
    start(monkeypatch)
    printed = capsys.readouterr().out
    said = " ".join(printed.split())
    assert said.startswith("This runs 9 commands on 800 drawn pictures of blood cells, and takes about a minute")
    assert "Nothing is downloaded." in said
    prose = [line for line in printed.splitlines() if "hybrid " not in line and str(tmp_path) not in line]
    assert max(map(len, prose)) <= columns
    to_try = [shlex.split(line) for line in printed.split("What to try next:")[1].splitlines() if "  hybrid" in line]
    assert len(to_try) == 3
    for _, name, *args in to_try:
        main.get_command(None, name).make_context(name, args)


def test_it_ends_with_how_to_activate_an_environment_that_the_shell_does_not_use(monkeypatch, ran, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo.sys, "prefix", str(tmp_path / ".venv"))
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    start(monkeypatch)
    assert "\n  source .venv/bin/activate\n" in capsys.readouterr().out.split("What to try next:")[1]
    (tmp_path / "hybrid").write_text("")
    (tmp_path / "hybrid").chmod(0o755)
    start(monkeypatch)
    assert "activate" not in capsys.readouterr().out


@pytest.mark.medium
def test_findings_fit_into_a_narrow_terminal(monkeypatch, tmp_path, capsys):
    from rich.console import Console

    monkeypatch.setattr(cells, "_drawn", lambda kind: draw_pictures(kind, 20, 3))
    monkeypatch.setattr(Console, "is_terminal", property(lambda self: True))
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    main.get_command(None, "data").main(["cells", "--workspace", str(tmp_path)], standalone_mode=False)
    table = click.unstyle(capsys.readouterr().out).split("findings\n")[1]
    assert "near-duplicates" in table
    assert max(len(line) for line in table.splitlines() if "Saved" not in line and "·" not in line) <= 60
