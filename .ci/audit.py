"""Look up the packages of this environment in the database of pip-audit.

The exit code is 1 if a newer version of a package fixes an advisory. If the database cannot be reached, a message says
so and the exit code is 0.
"""

import json
import subprocess
import sys

COMMAND = (sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--format", "json",
           "--progress-spinner", "off", "--timeout", "3")  # fmt: skip


def audit() -> list[dict]:
    """Return the report of pip-audit for each package. Raise `OSError` with the reason if there is no report."""
    try:
        result = subprocess.run(COMMAND, capture_output=True, text=True, timeout=30)
        packages = json.loads(result.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        raise OSError("no answer within 30 s") from None
    except (ValueError, KeyError):
        last_line = result.stderr.strip().splitlines()[-1:] or ["no answer"]
        raise OSError(last_line[0][:120]) from None
    if all("vulns" not in package for package in packages):
        raise OSError("the database knows none of the packages")
    return packages


try:
    packages = audit()
except OSError as error:
    print(f"pip-audit: not run: {error}")
    sys.exit(0)
fixable = 0
for package in packages:
    for advisory in package.get("vulns", ()):
        fixable += bool(advisory["fix_versions"])
        print(f"pip-audit: {package['name']} {package['version']}: {advisory['id']}, fixed in "
              f"{', '.join(advisory['fix_versions']) or 'no version yet'}")  # fmt: skip
print(f"pip-audit: {len(packages)} packages checked, {fixable} advisories are fixed in a newer version")
sys.exit(bool(fixable))
