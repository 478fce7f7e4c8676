"""Installs the libraries that waterway is compared with, pinned, and continues in .venv.

Python packages go into .venv, which `scripts/test` makes too; sharp goes into .artefacts. Neither is
part of the repository. This module runs before the others, so it uses Python's own library only.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
NODE = ROOT / ".artefacts/comparison"


def go_on_in_venv(script):
    """Returns only in .venv's Python, with every package installed."""
    python = VENV / "bin/python"
    if Path(sys.prefix).resolve() == VENV.resolve():
        install_python_packages(python)
        return
    if not python.exists():
        print(f"make {VENV.name}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    os.execv(python, [str(python), script, *sys.argv[1:]])


def install_python_packages(python):
    wanted, installed = HERE / "requirements.txt", VENV / "comparison.txt"
    if same(wanted, installed):
        return
    print(f"install {wanted.relative_to(ROOT)}", file=sys.stderr)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", wanted], check=True)
    shutil.copy(wanted, installed)


def install_sharp():
    """The folder in which node finds sharp, or None without npm."""
    if not shutil.which("npm"):
        print("npm is missing: sharp is left out", file=sys.stderr)
        return None
    wanted, installed = HERE / "package-lock.json", NODE / "installed.json"
    if not same(wanted, installed):
        print(f"install {wanted.relative_to(ROOT)}", file=sys.stderr)
        NODE.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", NODE)
        shutil.copy(wanted, NODE)
        npm = ["npm", "ci", "--silent", "--no-audit", "--no-fund"]
        subprocess.run(npm, cwd=NODE, check=True)
        shutil.copy(wanted, installed)
    return NODE


def same(wanted, installed):
    return installed.exists() and installed.read_bytes() == wanted.read_bytes()
