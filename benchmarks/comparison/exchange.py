"""What driver and workers tell each other through files: in the run folder, or an object store.

In a folder a file is put in place at once by renaming, and a ticket is claimed by removing it: one
of all who try succeeds. An object store has no rename, and removes what is not there without a
word; but an object is whole or not there, and of all who create one *only if it is not there* one
succeeds. So a ticket is claimed there by creating a second object beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from ...errors import ConfigurationError, OutputError, PerjouleError
from ...files.bounded import DESCRIPTION, read_bytes
from ...files.writing import write_whole
from ...models.importing import describe_error, first_line

CLAIMS = "claims"
"""The folder of a store whose objects say which tickets were claimed; they stay to the end."""
OF_FOLDERS = ("file", "local")
"""Protocols of URLs that name a folder."""
_stores: dict[str, Any] = {}


@dataclass(frozen=True)
class StoredFile:
    """A file of an object store, as far as it is like a `Path`."""

    url: str

    def __truediv__(self, name: str) -> StoredFile:
        return StoredFile(f"{self.url.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """Its name in its folder."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> StoredFile:
        """Its folder."""
        return StoredFile(self.url.rpartition("/")[0])

    @property
    def _store(self) -> Any:
        protocol = self.url.partition("://")[0]
        if protocol not in _stores:
            import fsspec

            # What others write shall be seen at once.
            _stores[protocol] = fsspec.filesystem(protocol, use_listings_cache=False)
        return _stores[protocol]

    def with_suffix(self, suffix: str) -> StoredFile:
        """The file with another ending."""
        return self.parent / Path(self.name).with_suffix(suffix).name

    def exists(self) -> bool:
        """Whether it is there."""
        return bool(self._store.exists(self.url))

    def touch(self) -> None:
        """Make it, empty."""
        self.write_bytes(b"")

    def mkdir(self, **_: Any) -> None:
        """Nothing: folders are not made in a store."""

    def read_bytes(self) -> bytes:
        """What is in it; a FileNotFoundError if it is not there."""
        return self._store.cat_file(self.url)

    def write_bytes(self, content: bytes) -> None:
        """Put it there, whole."""
        self._store.pipe_file(self.url, content)

    def create(self) -> None:
        """Put it there, empty; a FileExistsError if it is there, whoever else tries just now."""
        with self._store.open(self.url, "xb") as file:
            file.write(b"")

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove it."""
        try:
            self._store.rm_file(self.url)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def glob(self, ending: str) -> Iterator[StoredFile]:
        """The files in this folder with an ending such as ``"*.json"``."""
        with suppress(FileNotFoundError):
            for path in self._store.ls(self.url, detail=False):
                if path.endswith(ending.removeprefix("*")):
                    yield self / path.rpartition("/")[2]


AnyFile = Path | StoredFile


def place(url: str) -> AnyFile:
    """The folder that a URL names, in a store or on this machine.

    >>> place("file:///shared/digits").name, str(place("s3://bucket/digits"))
    ('digits', 's3://bucket/digits')
    """
    protocol, _, path = url.partition("://")
    return Path(path) if protocol in OF_FOLDERS else StoredFile(url)


def check_store(url: str, *, apart: bool = False) -> None:
    """Make sure that a store can be written, and that it never lets two create one object.

    Args:
        url: Of a folder in it.
        apart: Whether it is for other processes than this one.

    Raises:
        ConfigurationError: It cannot be used.
    """
    where = f"--shared {url}"
    if "://" not in url:
        raise ConfigurationError(f"{where}: no URL: give s3://BUCKET/FOLDER, gs://…, file:///…")
    if apart and url.startswith("memory:"):
        raise ConfigurationError(
            f"{where}: the memory of this process, which no worker sees: give a store that all "
            "reach, as s3://BUCKET/FOLDER, or leave it out where they see the run folder"
        )
    probe = place(url) / f"probe-{token_hex(8)}"
    try:
        if isinstance(probe, Path):
            _check_folder(probe, where)
            return
        probe.create()
        try:
            probe.create()
        except FileExistsError:
            return
        finally:
            probe.unlink(missing_ok=True)
    except PerjouleError:
        raise
    except ImportError as error:
        missing = getattr(error.__cause__ or error, "name", None)
        how = f"pip install {missing}" if missing else first_line(error)
        raise ConfigurationError(f"{where}: its library is not installed: {how}") from error
    except Exception as error:  # each store has errors of its own
        why = getattr(error, "strerror", None) or first_line(error) or type(error).__name__
        raise ConfigurationError(f"{where}: cannot be used: {why}") from error
    raise ConfigurationError(
        f"{where}: this store writes over what is there, so a job might begin twice: take one that "
        "can create an object only if it is not there (s3, gs), or a folder that all workers see"
    )


def _check_folder(probe: Path, where: str) -> None:
    """Make sure that a file can be written, in a folder that is made if it is not there."""
    if not probe.is_absolute():
        raise ConfigurationError(f"{where}: no absolute path: give file:///FOLDER")
    probe.parent.mkdir(parents=True, exist_ok=True)
    probe.touch()
    probe.unlink()


def claim(ticket: AnyFile) -> None:
    """Take a ticket away; a FileNotFoundError if somebody else did, or it was never there."""
    if isinstance(ticket, Path):
        ticket.unlink()
        return
    if not ticket.exists():
        raise FileNotFoundError(ticket.url)
    try:
        claimed_as(ticket).create()
    except FileExistsError as error:
        raise FileNotFoundError(ticket.url) from error
    ticket.unlink(missing_ok=True)


def claimed_as(ticket: StoredFile) -> StoredFile:
    """The object whose creation claims a ticket."""
    return ticket.parent.parent / CLAIMS / ticket.name


def open_sign(inflight: AnyFile) -> AnyFile:
    """What is there as long as a driver is at work: the folder of signs of life, or an object."""
    return inflight if isinstance(inflight, Path) else inflight.parent / "open"


def is_there(file: AnyFile, *, unless_known: bool = False) -> bool:
    """Whether a file is there; what to take it for where a store does not answer just now."""
    if isinstance(file, Path):
        return file.exists()
    try:
        return file.exists()
    except Exception:  # noqa: BLE001 - each store has errors of its own, and a training goes on
        return unless_known


def put(file: AnyFile, content: bytes) -> None:
    """Put a file in place, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    if isinstance(file, Path):
        write_whole(file, lambda part: part.write_bytes(content))
        return
    try:
        file.write_bytes(content)
    except Exception as error:  # each store has errors of its own
        raise OutputError(f"cannot write {file}: {describe_error(error)}") from error


def read(file: AnyFile) -> bytes:
    """What is in a file that is small; a FileNotFoundError if it is not there."""
    return read_bytes(file, DESCRIPTION) if isinstance(file, Path) else file.read_bytes()
