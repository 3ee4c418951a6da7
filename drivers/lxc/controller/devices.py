# SPDX-License-Identifier: LGPL-2.1-or-later
"""The container's /dev: made by the controller in a folder of its own, shown to the container as a whole.

What is added to the folder later appears in the container at once.
"""

from __future__ import annotations

import os

from drivers.lxc.controller import kernel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from drivers.lxc.controller.plan import Node

#: Nodes that every container has → the host's numbers.
USUAL = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}

_LINKS = {
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "fd": "/proc/self/fd",
}

_FORMATS = {"b": 0o060000, "c": 0o020000}
#: The group that terminals belong to by convention.
TTY_GROUP = 5


class Devices:
    """The folder: its file system, its nodes, its terminals.  `base` is private to the controller's mounts."""

    def __init__(self, base: str, owner: tuple[int, int], *, real_nodes: bool) -> None:
        self.folder = f"{base}/dev"
        self.terminals = f"{base}/dev/pts"
        self._owner = owner
        self._real_nodes = real_nodes

    def make(self) -> None:
        """Mount the folder and fill it with what every container has."""
        os.mkdir(self.folder)
        kernel.mount("devfs", self.folder, "tmpfs", kernel.MS_NOSUID, "mode=755,size=65536")
        os.chown(self.folder, *self._owner)
        os.mkdir(self.terminals)
        self._mount_terminals()
        for name, (major, minor) in USUAL.items():
            self.add({"path": name, "kind": "c", "major": major, "minor": minor, "mode": 0o666})
        self._show(f"{self.terminals}/ptmx", "ptmx")
        for name, target in _LINKS.items():
            os.symlink(target, f"{self.folder}/{name}")

    def _mount_terminals(self) -> None:
        """Terminals of its own; a user namespace in which the group of terminals has no id does without it."""
        options = "newinstance,ptmxmode=0666,mode=0620"
        group = f",gid={self._owner[1] + TTY_GROUP}" if self._real_nodes else ""
        kernel.mount("devpts", self.terminals, "devpts", kernel.MS_NOSUID, options + group)

    def add(self, node: Node) -> None:
        """Make a device node; where the kernel does not let us, show the host's own."""
        path = self._place(node["path"])
        if self._real_nodes:
            _make_node(path, node)
            os.chmod(path, node["mode"])
            os.chown(path, *self._owner)
        else:
            self._show(f"/dev/{node['path']}", node["path"])

    def remove(self, path: str) -> None:
        """Take a node away."""
        os.unlink(f"{self.folder}/{path}")

    def show_terminal(self, number: int, name: str) -> None:
        """Show the terminal `number` as /dev/`name` too."""
        os.chown(f"{self.terminals}/{number}", self._owner[0], -1)
        self._show(f"{self.terminals}/{number}", name)

    def _show(self, source: str, name: str) -> None:
        path = self._place(name)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        kernel.mount(source, path, flags=kernel.MS_BIND)

    def _place(self, name: str) -> str:
        path = f"{self.folder}/{name}"
        folder = os.path.dirname(path)
        if folder != self.folder:
            os.makedirs(folder, exist_ok=True)
        return path


def _make_node(path: str, node: Node) -> None:
    try:
        os.mknod(path, _FORMATS[node["kind"]] | node["mode"], os.makedev(node["major"], node["minor"]))
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"Unable to create device /dev/{node['path']}") from None
