"""Programs of the operating system that some tests use: found, installed where that can be done, or asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from environment import LOG, say

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def offer_for_tests() -> None:
    """Have headless Chromium and oiiotool where root can install them; else say what will be skipped."""
    if _browser() is None and not (can_install() and install("chromium") and _browser()):
        say("no Chromium found: the tests of the report page will skip. Install Chromium or Chrome, or run")
        say("  .venv/bin/python -m playwright install chromium")
    if shutil.which("oiiotool") is None and not (can_install() and install("openimageio-tools")):
        say("no oiiotool found (package openimageio-tools): comparisons with it will skip")


def can_install() -> bool:
    """Whether packages can be installed without asking: apt is there and this is root."""
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def install(package: str) -> bool:
    """Install one package of the distribution with apt, as root. Whether that worked."""
    say(f"installing {package} with apt-get")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    for step in (command, ["apt-get", "update"], command):  # a fresh machine may have no package lists yet
        done = subprocess.run(step, env=environment, capture_output=True, text=True, check=False)
        if LOG.parent.is_dir():
            with LOG.open("a", encoding="utf-8") as log:
                log.write(f"$ {' '.join(step)}\n{done.stdout}{done.stderr}")
        if step is command and done.returncode == 0:
            return True
    say(f"apt-get could not install {package}")
    return False


def _browser() -> str | None:
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    fetched = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return next((str(path) for path in fetched.glob("chromium*")), None)
