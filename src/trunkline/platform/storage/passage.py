"""Letting one other user through folders that are closed to it (POSIX access control lists, Linux).

PostgreSQL refuses to run as root, so under root it runs as a user of its own. That user must be able to walk to
its program and its data, which often lie below a folder such as /root (mode 0700). Opening those folders to
everybody would be wrong; an ACL entry `user:<it>:--x` opens them to it alone, and shows it nothing.
"""

import os
import struct
from pathlib import Path

from trunkline.errors import SetupError

_ATTRIBUTE = "system.posix_acl_access"
_VERSION = 2
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id; see Linux include/uapi/linux/posix_acl_xattr.h
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_EXECUTE = 1


def let_through(path: Path, uid: int) -> None:
    """Lets `uid` walk to `path`. Changes only folders above it that are closed to others and not `uid`'s own.

    Raises:
        SetupError: the file system keeps no access control lists.
    """
    for folder in path.absolute().parents:
        status = folder.stat()
        if status.st_uid == uid or status.st_mode & _EXECUTE:
            continue
        try:
            _allow(folder, uid, status.st_mode)
        except OSError as error:
            raise SetupError(
                f"PostgreSQL cannot run as root, and its own user cannot pass {folder} ({error.strerror}). Run "
                f"Trunkline as a plain user, allow it with `chmod o+x {folder}`, put TRUNKLINE_HOME and the "
                "program below an open folder, or set DATABASE_URL."
            ) from error


def _allow(folder: Path, uid: int, mode: int) -> None:
    entries = _read(folder, mode)
    entries = [entry for entry in entries if entry[0] != _MASK and entry[::2] != (_USER, uid)]
    entries.append((_USER, _EXECUTE, uid))
    mask = 0
    for tag, permissions, _ in entries:
        if tag in (_USER, _GROUP_OBJ, _GROUP):
            mask |= permissions
    entries.append((_MASK, mask, _NO_ID))
    entries.sort(key=lambda entry: (entry[0], entry[2]))
    packed = struct.pack("<I", _VERSION) + b"".join(_ENTRY.pack(*entry) for entry in entries)
    os.setxattr(folder, _ATTRIBUTE, packed)


def _read(folder: Path, mode: int) -> list[tuple[int, int, int]]:
    """The entries there are; without a list, the three that the mode bits stand for."""
    try:
        packed = os.getxattr(folder, _ATTRIBUTE)
    except OSError:
        return [
            (_USER_OBJ, mode >> 6 & 7, _NO_ID),
            (_GROUP_OBJ, mode >> 3 & 7, _NO_ID),
            (_OTHER, mode & 7, _NO_ID),
        ]
    return list(_ENTRY.iter_unpack(packed[4:]))
