"""Ctrl-C ends a command with exit code 130 and one line, whatever it is doing."""

import os
import signal

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

# The command, to which Ctrl-C comes when it imports a module. `wrap` stands for libraries that replace exceptions.
INTERRUPTED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv[0] = "/usr/bin/hybrid"
name, wrap = sys.argv.pop(1), sys.argv.pop(1)
class Finder:
    def find_spec(self, found, path=None, target=None):
        if found == name:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt as error:
                raise (ImportError("cannot load a library") if wrap else error)
sys.meta_path.insert(0, Finder())
from hybrid.cli import main
main()
"""


@pytest.mark.parametrize("wrap", ["", "wrap"])
@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("lazy_loader", ["--help"]),
        ("click", ["--help"]),
        ("hybrid.cli.data", ["data", "digits"]),
        ("numpy", ["data", "digits"]),
        ("hybrid.datasets.summary", ["data", "digits"]),
        ("keras", ["extract", "digits", "--backbone", "mobilenet", "--weights", "random", "--size", "32"]),
    ],
)
def test_ctrl_c_during_an_import(python, module, command, wrap):
    done = python(INTERRUPTED, module, wrap, *command, check=False)
    assert (done.returncode, done.stderr.strip()) == (130, "Aborted!")


def test_ctrl_c_during_the_work_removes_what_is_unfinished(hybrid, image_folder, tmp_path, monkeypatch):
    from hybrid.datasets import resplit

    def interrupt(*args):
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(resplit, "_check_read_back", interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores the signal
    try:
        result = hybrid.result("split", image_folder, "--output", "split.csv")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (result.exit_code, result.stderr) == (130, "Aborted!\n")
    assert not [path.name for path in tmp_path.iterdir() if "csv" in path.name]


def test_a_script_that_imports_the_command_keeps_its_own_handling_of_ctrl_c(python):
    code = """
import signal
import hybrid.cli
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    python("import signal; signal.signal(signal.SIGINT, signal.default_int_handler)" + code)


def test_a_command_in_the_background_goes_on_ignoring_ctrl_c(python):
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.argv[0] = 'hybrid'; import hybrid.cli"
    python(f"{code}; assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN")
