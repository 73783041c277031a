"""What `make demo` and `make test` do before they start: the environment in .venv."""

import importlib.util
import re
import subprocess
from configparser import ConfigParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.specifiers import SpecifierSet
from paths import ROOT


@pytest.fixture
def installer(tmp_path, monkeypatch):
    """The script, in an empty folder, with a list of the commands that it ran in place of running them."""
    spec = importlib.util.spec_from_file_location("install", ROOT / ".ci" / "install.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(script.sys, "version_info", (3, 12, 1))
    script.ran = []

    def run(command, **options):
        script.ran.append(command)
        if script.fault and "-e" in command:
            raise script.fault

    def create(folder, clear, **options):
        script.ran.append("cleared" if clear else "created")
        script.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        script.PYTHON.touch()

    script.fault = None
    monkeypatch.setattr(script.subprocess, "run", run)
    monkeypatch.setattr(script.venv, "create", create)
    monkeypatch.setattr(script.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1e11))  # room for everything
    return script


def test_make_and_pip_refuse_the_same_pythons(installer):
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    allowed = SpecifierSet(config["options"]["python_requires"])
    (line,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if "sys.version_info" in line]
    condition = re.search(r"print\((.*)\)' 2", line)[1].replace("sys.version_info", "version")
    for minor in range(8, 20):
        assert (
            ((3, minor) in installer.SUPPORTED)
            == (f"3.{minor}.5" in allowed)
            == eval(condition, {"version": (3, minor, 5)})
        )


def test_an_unsupported_python_gets_a_sentence(installer):
    with pytest.raises(SystemExit, match=r"^hybrid needs Python 3.11, .*/usr/bin/python3 is Python 3.9: install"):
        installer.check_python((3, 9), "/usr/bin/python3")


def test_it_says_what_it_does_and_leaves_a_stamp(installer, capsys):
    installer.main("package", "requirements.lock")
    said = capsys.readouterr().out
    assert all(words in said for words in ("downloads about", "GB on disk", "minutes"))
    assert installer.ran[-1][-5:] == ["install", "-c", "requirements.lock", "-e", "."]
    assert Path(".venv/.package").exists()
    assert not installer.UNFINISHED.exists()


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), subprocess.CalledProcessError(1, "pip")])
def test_what_was_not_finished_is_made_anew(installer, fault):
    installer.fault = fault
    with pytest.raises(SystemExit, match="The same command starts again"):
        installer.main("dev")
    assert not Path(".venv/.installed").exists()
    installer.fault = None
    installer.ran.clear()
    installer.main("dev")
    assert installer.ran[0] == "cleared"
    assert Path(".venv/.installed").exists()
    installer.ran.clear()
    installer.main("dev")  # as after a change of setup.cfg
    assert installer.ran[0] == "created"


def test_a_full_disk_is_noticed_before_anything_is_downloaded(installer, monkeypatch):
    monkeypatch.setattr(installer.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10**9}))
    with pytest.raises(SystemExit, match=r"needs 3.4 GB on disk, and .* has 1.0 GB"):
        installer.main("package")
    assert installer.ran == []


def test_a_full_disk_is_named_before_anything_is_installed(installer, monkeypatch):
    monkeypatch.setattr(installer.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1e9))
    with pytest.raises(SystemExit, match=r"needs 4.1 GB on disk, and .* has 1.0 GB: make room first"):
        installer.main("dev", "requirements.lock")
    assert installer.ran == []
