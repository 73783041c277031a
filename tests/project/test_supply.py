"""Versions: the lock file holds what setup.cfg asks for, and pip-audit's absence costs nothing."""

import json
import runpy
import subprocess
from configparser import ConfigParser

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from paths import ROOT

LOCKED = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().splitlines() if line[:1] != "#")


def asked_for():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"] + config["options.extras_require"]["dev"]
    return [Requirement(line) for line in lines.splitlines() if line.strip() and not line.startswith("hybrid")]


def test_the_lock_file_holds_every_requirement_in_a_version_that_is_allowed():
    for one in asked_for():
        name = canonicalize_name(one.name)
        assert name in LOCKED, f"{name} is not locked: make lock"
        assert one.specifier.contains(LOCKED[name]), f"{one} is asked for, {LOCKED[name]} locked: make lock"


def test_the_lock_file_names_packages_and_versions_alone():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    assert "@" not in text
    assert len(LOCKED) > 50


@pytest.mark.parametrize(("package", "last"), [("keras", "3.15.0"), ("pillow", "12.2.9"), ("skops", "0.12.9")])
def test_versions_with_known_advisories_are_not_allowed(package, last):
    (one,) = [one for one in asked_for() if one.name == package]
    assert not one.specifier.contains(last)


def audited(monkeypatch, capsys, stdout="", stderr="", error=None):
    """What the audit prints of what pip-audit says, and its exit code."""

    def run(*args, **kwargs):
        if error:
            raise error
        return subprocess.CompletedProcess(args, 0, stdout, stderr)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / ".ci" / "audit.py"), run_name="__main__")
    return capsys.readouterr().out.strip(), ended.value.code


def test_an_audit_that_cannot_be_made_is_one_line_and_no_failure(monkeypatch, capsys):
    said = audited(monkeypatch, capsys, stderr="a traceback\nConnectionError: no route")
    assert said == ("pip-audit: not run: ConnectionError: no route", 0)
    late = subprocess.TimeoutExpired("pip-audit", 30)
    assert audited(monkeypatch, capsys, error=late) == ("pip-audit: not run: no answer within 30 s", 0)
    unknown = json.dumps({"dependencies": [{"name": "a", "skip_reason": "unknown"}]})
    assert audited(monkeypatch, capsys, unknown)[1] == 0


def test_an_advisory_that_a_newer_version_mends_is_a_failure(monkeypatch, capsys):
    package = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
    said, code = audited(monkeypatch, capsys, json.dumps({"dependencies": [package]}))
    assert said.startswith("pip-audit: a 1: CVE-1, fixed in 2")
    assert code == 1
    package["vulns"][0]["fix_versions"] = []
    said, code = audited(monkeypatch, capsys, json.dumps({"dependencies": [package]}))
    assert "fixed in no version yet" in said
    assert code == 0
