"""Files that are there whole or not at all, and archives of arrays (``.npz``) in which nothing can run."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import secrets
import stat
import struct
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import numpy as np

from skl_increc.exceptions import SaveFormatError

__all__ = ["damaged", "read_archive", "replace_whole", "write_archive"]

HEADER = "header.json"
DTYPES = ("|u1", "<i4", "<i8", "<f4", "<f8")
NPY_HEADER = re.compile(
    rb"\{'descr': '([|<]\w\d)', 'fortran_order': False, 'shape': \((\d{1,18}), ?(\d{1,18})?\),? *\} *\n"
)
BEGINNING = (1980, 1, 1, 0, 0, 0)  # the time of every member: equal models give equal files


def damaged(path: str, what: str) -> SaveFormatError:
    """The error for a file that `save` cannot have left behind like this."""
    return SaveFormatError(
        f"{path}: {what}. The file is damaged, was changed, or is none that skl_increc.save wrote: save the "
        "model again, or take an older copy."
    )


LEFT_BEHIND = re.compile(r"\.skl_increc-[0-9a-f]{16}\.tmp", re.ASCII)
PATIENCE = 10.0  # seconds for which a file without a lock may belong to a writer who is about to lock it


# -- whole files ------------------------------------------------------------------------------------
def replace_whole(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Write a new file beside `path`, bring it to the disk, and only then give it the name.

    On any error, and if the process is killed, a file that was there stays as it was.  What a killed writer
    left behind in the folder goes with the next file that is written there.
    """
    target = os.path.realpath(path)  # behind a symbolic link, the file itself is replaced
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", folder)
    mode = _mode_of(target)
    _sweep(folder)
    new = os.path.join(folder, f".skl_increc-{secrets.token_hex(8)}.tmp")
    # 0o666 less the umask, as open() would: not the private mode of tempfile
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _lock(file.fileno())
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise
    _sync_folder(folder)


def _lock(descriptor: int) -> bool:
    """Hold a file for as long as it is open; False if it is held already, or the system knows no locks."""
    try:
        import fcntl
    except ImportError:  # Windows: an open file cannot be removed there
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(folder: str) -> None:
    """Remove what killed writers left: their locks went with them, a process number could be another's by now."""
    with suppress(OSError), os.scandir(folder) as entries:
        old = [e.path for e in entries if LEFT_BEHIND.fullmatch(e.name) and _is_old(e)]
    for path in old:
        with suppress(OSError), open(path, "r+b") as file:  # NFS locks for writing what is open for it
            if _lock(file.fileno()):
                os.unlink(path)


def _is_old(entry: os.DirEntry) -> bool:
    with suppress(OSError):
        return entry.is_file(follow_symlinks=False) and time.time() - entry.stat().st_mtime > PATIENCE
    return False


def _mode_of(target: str) -> int | None:
    """The permissions of the file that is there, None if there is none."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder stands where the file should go", target)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(
            f"{target} is no regular file, and cannot be replaced as a whole. Give another path."
        )
    if not os.access(target, os.W_OK):  # a new file could take its name all the same
        raise PermissionError(errno.EACCES, "the file is write-protected", target)
    return stat.S_IMODE(found.st_mode)


def _sync_folder(folder: str) -> None:
    """Bring the new name to the disk; some systems and file systems cannot, and need not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


# -- archives ---------------------------------------------------------------------------------------
def write_archive(file: BinaryIO, header: Mapping[str, Any], members: Mapping[str, Any]) -> None:
    """Write a header and, under their names, arrays (as ``.npy``) and lists (as JSON)."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _put(archive, HEADER, [_json_bytes(header)])
        for name, value in members.items():
            if isinstance(value, np.ndarray):
                _put(archive, name + ".npy", _npy_bytes(value))
            else:
                _put(archive, name + ".json", [_json_bytes(value)])


def _put(archive: zipfile.ZipFile, name: str, parts: list[Any]) -> None:
    info = zipfile.ZipInfo(name, BEGINNING)
    info.external_attr = 0o644 << 16
    with archive.open(info, "w", force_zip64=True) as member:
        for part in parts:
            member.write(part)


def _json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _npy_bytes(array: np.ndarray) -> list[Any]:
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(array))
    return [head.getvalue(), array.reshape(-1).view(np.uint8).data]


def read_archive(path: str) -> tuple[Any, dict[str, Any]]:
    """The header and the members by name; SaveFormatError for anything that is not as written."""
    with open(path, "rb") as file, _as_damage(path):
        size = os.fstat(file.fileno()).st_size
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if HEADER not in names:
                raise damaged(path, f"the archive has no {HEADER}; it holds {names[:8]}")
            if len(set(names)) < len(names):
                raise damaged(path, "the archive holds two members of one name")
            for info in infos:
                _check_member(path, info, size)
            header = _read_json(path, HEADER, archive.read(HEADER))
            members = {}
            for name in names:
                stem, _, kind = name.rpartition(".")
                if kind == "npy":
                    members[stem] = _read_npy(path, stem, archive.read(name))
                elif kind != "json":
                    raise damaged(path, f"the archive holds {name!r}, which is neither an array nor JSON")
                elif name != HEADER:
                    members[stem] = _read_json(path, name, archive.read(name))
    return header, members


@contextmanager
def _as_damage(path: str) -> Iterator[None]:
    """What zipfile raises over a file that is no archive, or a broken one, as SaveFormatError."""
    try:
        yield
    except SaveFormatError:
        raise
    except (
        zipfile.BadZipFile,
        struct.error,
        ValueError,
        RuntimeError,
        EOFError,
        LookupError,
        OverflowError,
    ) as error:
        raise damaged(path, f"it cannot be read as an archive ({error})") from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # a real fault of the disk, not of the file
            raise
        raise damaged(path, f"it cannot be read as an archive ({error})") from error


def _check_member(path: str, info: zipfile.ZipInfo, size: int) -> None:
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        raise damaged(path, f"{info.filename} is compressed or encrypted, which save never does")
    if info.file_size != info.compress_size or info.file_size > size:
        raise damaged(path, f"{info.filename} claims {info.file_size} bytes in a file of {size}")


def _read_json(path: str, name: str, raw: bytes) -> Any:
    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    try:
        return json.loads(raw.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"{name} is no JSON ({type(error).__name__}: {error})") from error


def _read_npy(path: str, name: str, raw: bytes) -> np.ndarray:
    """A read-only array over `raw`; the header is matched, never evaluated."""
    start = 10 + int.from_bytes(raw[8:10], "little")
    head = NPY_HEADER.fullmatch(raw[10:start])
    if raw[:8] != b"\x93NUMPY\x01\x00" or head is None or start % 16:
        raise damaged(path, f"the array {name} has no header of an array")
    dtype = head[1].decode()
    if dtype not in DTYPES:
        raise damaged(path, f"the array {name} has dtype {dtype!r}; only {', '.join(DTYPES)} are known")
    shape = tuple(int(n) for n in head.groups()[1:] if n is not None)
    n = int(np.prod(shape, dtype=object))
    if n * np.dtype(dtype).itemsize != len(raw) - start:
        raise damaged(
            path, f"the array {name} of shape {shape} and dtype {dtype} has {len(raw) - start} bytes"
        )
    array = np.frombuffer(raw, dtype=dtype, offset=start).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="), copy=False)
