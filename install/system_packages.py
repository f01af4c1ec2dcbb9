"""Programs of the operating system: what the tests need, installed where that can be done, or asked for."""

from __future__ import annotations

import os
import shutil
import subprocess

from environment import LOG, say

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def offer_browser() -> None:
    """Have Chromium for the tests of the report page where root can install it; else say that they will skip."""
    if _has_browser() or (can_install() and install("chromium") and _has_browser()):
        return
    say(f"none of {', '.join(BROWSERS)} is here: install Chromium or Chrome, else the report page's tests skip")


def offer_fuzzer() -> None:
    """Have clang, whose libFuzzer coverage guides, where root can install it; else another compiler does, blindly."""
    if shutil.which("clang++") or (can_install() and install("clang") and shutil.which("clang++")):
        return
    say("clang is not here: the shim is fuzzed without guidance")


def can_install() -> bool:
    """Whether packages can be installed without asking: apt is there and this is root."""
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def install(package: str) -> bool:
    """Install one package of the distribution with apt, as root. Whether that worked."""
    say(f"installing {package} with apt-get")
    variables = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    for step in (command, ["apt-get", "update"], command):  # a fresh machine may have no package lists yet
        done = subprocess.run(step, env=variables, capture_output=True, text=True, check=False)
        if LOG.parent.is_dir():
            with LOG.open("a", encoding="utf-8") as log:
                log.write(f"$ {' '.join(step)}\n{done.stdout}{done.stderr}")
        if step is command and done.returncode == 0:
            return True
    say(f"apt-get could not install {package}; its words are in {LOG}")
    return False


def _has_browser() -> bool:
    return any(shutil.which(name) for name in BROWSERS)
