"""Look up this environment's packages in pip-audit's database; exit 1 if a newer version mends an advisory.

Where the database cannot be reached, one line says that it was not looked at.
"""

import json
import subprocess
import sys

COMMAND = (sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--format", "json",
           "--progress-spinner", "off", "--timeout", "3")  # fmt: skip


def audit() -> list[dict]:
    """Return what pip-audit says of each package; raise `OSError` with the reason if it says nothing."""
    try:
        done = subprocess.run(COMMAND, capture_output=True, text=True, timeout=30)
        packages = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        raise OSError("no answer within 30 s") from None
    except (ValueError, KeyError):
        last = done.stderr.strip().splitlines()[-1:] or ["no answer"]
        raise OSError(last[0][:120]) from None
    if all("vulns" not in package for package in packages):
        raise OSError("the database knows none of the packages")
    return packages


try:
    found = audit()
except OSError as error:
    print(f"pip-audit: not run: {error}")
    sys.exit(0)
mended = 0
for package in found:
    for one in package.get("vulns", ()):
        mended += bool(one["fix_versions"])
        print(f"pip-audit: {package['name']} {package['version']}: {one['id']}, mended in "
              f"{', '.join(one['fix_versions']) or 'no version yet'}")  # fmt: skip
print(f"pip-audit: {len(found)} packages looked up, {mended} advisories that a newer version mends")
sys.exit(bool(mended))
