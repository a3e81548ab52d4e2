"""The user that PostgreSQL runs as, and its way through folders that are closed to it.

PostgreSQL refuses to run as root, so under root it runs as a user of its own. That user must be able to walk to
its program and its data, which often lie below a folder such as /root (mode 0700). Opening those folders to
everybody would be wrong; an entry `user:<it>:--x` in their access control lists (Linux) opens them to it alone,
and shows it nothing.
"""

import os
import pwd
import stat
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

from trunkline.errors import SetupError

SYSTEM_USER = "trunkline-postgres"

_ATTRIBUTE = "system.posix_acl_access"
_VERSION = 2
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id; see Linux include/uapi/linux/posix_acl_xattr.h
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_EXECUTE = 1


def make_private(folder: Path, owner: pwd.struct_passwd | None) -> None:
    """Makes `folder` with mode 0700 for `owner`; a folder that somebody else put there is refused."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
    status = folder.lstat()
    wanted = os.geteuid() if owner is None else owner.pw_uid
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != wanted or status.st_mode & 0o077:
        raise SetupError(
            f"{folder} is not a private folder of the user that runs the database. Remove it, or set TRUNKLINE_HOME "
            "to another folder."
        )


def system_user() -> pwd.struct_passwd | None:
    """Under root, the user that the server runs as; made when absent."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise SetupError(
            "PostgreSQL does not run as root, and a user for it could not be made "
            f"(`{' '.join(command)}`). Make it, run Trunkline as a plain user, or set DATABASE_URL."
        ) from error


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
