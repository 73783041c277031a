"""Take the screenshot for the README.

Run `hybrid demo` first, then `python docs/pictures/screenshot.py`. The script needs the Debian package chromium-driver.
"""

import base64
import sys
import tempfile
from pathlib import Path

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

WIDTH, HEIGHT = 1320, 1320


def main(report: str = "hybrid_runs/reports/report.html", picture: str = "docs/pictures/report.png") -> None:
    """Write a screenshot of the top of a report to an image file."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        quiet = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--disable-quic",
        )
        for argument in (*quiet, "--disable-background-networking", "--disable-component-update", "--disable-sync"):
            options.add_argument(argument)
        options.add_argument(f"--user-data-dir={profile}")
        driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        try:
            size = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.get(Path(report).absolute().as_uri())
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        finally:
            driver.quit()
    Path(picture).write_bytes(base64.b64decode(shot["data"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
