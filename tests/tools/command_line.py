"""The command line, run in this process."""

import json

from click.testing import CliRunner, Result


class CommandLine:
    """Runs `hybrid` commands in the current folder."""

    def result(self, *args, **options) -> Result:
        """Run a command; return its result, whatever the exit code."""
        from hybrid.cli.main import main

        return CliRunner().invoke(main, [str(arg) for arg in args], **options)

    def __call__(self, *args, code=0, **options) -> str:
        """Run a command that must end with an exit code; return what it printed, or its message if it failed."""
        result = self.result(*args, **options)
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.stderr

    def json(self, *args):
        """Run a command that must succeed with `--json`; return the object that it printed."""
        return json.loads(self(*args, "--json"))
