# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls that Python's own library does not have.  All raise OSError."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
_CLONE_PIDFD = 0x00001000
_SIGCHLD = 17

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_SLAVE = 4096, 16384, 1 << 19
_MNT_DETACH = 2

_RESOLVE_NO_MAGICLINKS, _RESOLVE_IN_ROOT = 0x02, 0x10

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NAME = 1, 24, 15
_CAPABILITY_VERSION_3 = 0x20080522

_FAN_CLOEXEC, _FAN_CLASS_CONTENT, _FAN_MARK_ADD, _FAN_OPEN_PERM = 0x1, 0x4, 0x1, 0x10000

#: Numbers that are the same on every architecture, as all since 424 are.
_NR_CLONE3, _NR_OPENAT2 = 435, 437

_libc = ctypes.CDLL(None, use_errno=True)
#: Keeps the interpreter's lock: the child of a clone is born with it held.
_libc_locked = ctypes.PyDLL(None, use_errno=True)


def _checked(result: int, what: str = "") -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what or None)
    return result


def _bytes(path: str | None) -> bytes | None:
    return None if path is None else os.fsencode(path)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _checked(_libc.unshare(flags))


def setns(fd: int, flags: int) -> None:
    """Enter the namespace behind a descriptor."""
    _checked(_libc.setns(fd, flags))


def clone(flags: int) -> tuple[int, int]:
    """Fork into new namespaces: (pid, its pidfd) in the parent, (0, -1) in the child."""
    pidfd = ctypes.c_int(-1)
    fields = (flags | _CLONE_PIDFD, ctypes.addressof(pidfd), 0, 0, _SIGCHLD, 0, 0, 0)
    arguments = (ctypes.c_uint64 * len(fields))(*fields)
    pid = _checked(_libc_locked.syscall(_NR_CLONE3, arguments, ctypes.c_size_t(ctypes.sizeof(arguments))))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0, -1
    return pid, pidfd.value


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """mount(2)."""
    done = _libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(options))
    _checked(done, target)


def unmount(target: str) -> None:
    """Detach a mount and all below it; what is still open goes on."""
    _checked(_libc.umount2(_bytes(target), _MNT_DETACH), target)


def pivot_root(new: str, old: str) -> None:
    """Exchange the root; `old` is where the former one is put."""
    _checked(_libc.pivot_root(_bytes(new), _bytes(old)), new)


def open_in_root(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open a path as a process whose root is `root` sees it: no link leads out."""
    resolve = _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, mode, resolve)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    return _checked(_libc.syscall(_NR_OPENAT2, root, _bytes(path), how, size), path)


def unlock_terminal(master: int) -> int:
    """Let the other end of a new terminal be opened; returns its number."""
    _checked(_libc.unlockpt(master))
    name = ctypes.create_string_buffer(64)
    _checked(-_libc.ptsname_r(master, name, ctypes.c_size_t(len(name))))
    return int(name.value.rpartition(b"/")[2])


def watch_opens(path: str) -> int:
    """Ask to be asked whenever somebody opens a file; the events come from the returned descriptor."""
    fd = _checked(_libc.fanotify_init(_FAN_CLOEXEC | _FAN_CLASS_CONTENT, os.O_RDONLY | os.O_CLOEXEC))
    here = -100
    try:
        mask = ctypes.c_uint64(_FAN_OPEN_PERM)
        _checked(_libc.fanotify_mark(fd, _FAN_MARK_ADD, mask, here, _bytes(path)), path)
    except OSError:
        os.close(fd)
        raise
    return fd


def die_with_parent(signal: int) -> None:
    """Have the kernel send this process `signal` when its parent ends.  A change of user undoes it."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0))


def set_name(name: str) -> None:
    """What tools show as this process's name."""
    _checked(_libc.prctl(_PR_SET_NAME, _bytes(name[:15]), 0, 0, 0))


def drop_from_bounding_set(capability: int) -> None:
    """No program run from here on has this capability again."""
    _checked(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0))


def capabilities() -> int:
    """The effective ones, a bit each."""
    words = (ctypes.c_uint32 * 6)()
    _checked(_libc.capget((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), words))
    return words[0] | words[3] << 32


def set_capabilities(mask: int) -> None:
    """The effective and permitted ones; nothing is inheritable."""
    low, high = mask & 0xFFFFFFFF, mask >> 32
    words = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
    _checked(_libc.capset((ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), words))
