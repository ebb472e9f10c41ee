"""What file system a directory lies on, where that says who else may write there."""

from __future__ import annotations

import ctypes
import os

_LOCAL = {
    0xEF53,  # ext2 to ext4
    0x58465342,  # XFS
    0x9123683E,  # Btrfs
    0x2FC12FC1,  # ZFS
    0xF2F52010,  # F2FS
    0xCA451A4E,  # bcachefs
    0x3153464A,  # JFS
    0x01021994,  # tmpfs
    0x794C7630,  # overlayfs
}
"""Magic numbers of statfs(2): on these nobody writes but through this kernel."""
_libc = ctypes.CDLL(None, use_errno=True)


def is_local(directory: str) -> bool:
    """True where this kernel alone writes: not of NFS, of what a virtual machine shares, of what nobody knows."""
    buffer = ctypes.create_string_buffer(256)
    if _libc.statfs(os.fsencode(directory), buffer) != 0:
        return False
    return ctypes.c_long.from_buffer(buffer).value & 0xFFFFFFFF in _LOCAL
