# SPDX-License-Identifier: LGPL-2.1-or-later
"""The container's first process: born into its namespaces, led to its place, made to run init.

Parent and child speak over two pipes: by the first the parent tells the child to go on, by the second the child tells
why it failed; that one closes by itself when init runs.
"""

from __future__ import annotations

import fcntl
import os
import select
import termios
from _socket import sethostname

from drivers.lxc.controller import kernel, network, privileges, rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drivers.lxc.controller.plan import Plan

#: Namespaces that a process is born into, by their names in /proc/PID/ns.
FLAGS = {
    "mnt": kernel.CLONE_NEWNS,
    "pid": kernel.CLONE_NEWPID,
    "ipc": kernel.CLONE_NEWIPC,
    "uts": kernel.CLONE_NEWUTS,
    "net": kernel.CLONE_NEWNET,
    "user": kernel.CLONE_NEWUSER,
}

_SIGKILL = 9
_GO = b"g"
_MOUNTING = "Failed to mount"
#: The first console by the name that the kernel has for it.
_FIRST_TERMINAL = "/dev/pts/0"
_MESSAGE = 4096


def _is_read(pipe: int) -> bool:
    """Whether a pipe still has somebody at its other end."""
    poll = select.poll()
    poll.register(pipe, 0)
    return not poll.poll(0)


class ContainerError(Exception):
    """Why there is no container: `number` an errno or 0, and words."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number
        self.text = text


class Container:
    """A container while it is made, and its first process."""

    def __init__(self, plan: Plan, descriptors: list[int], owner: tuple[int, int]) -> None:
        self._plan = plan
        self._descriptors = descriptors
        self._owner = owner
        self.pid = 0
        self.pidfd = -1
        self._net = -1
        self._entrances: list[int] = []

    def create(self) -> list[str]:
        """Bring it to life; returns the names of the host's ends of its network devices.

        Raises:
            ContainerError, OSError: it could not be; the child is dead.
        """
        self._prepare_root()
        self._entrances = self._open_groups()
        go_reader, go_writer = os.pipe()
        told_reader, told_writer = os.pipe()
        self._be_born()
        if self.pid == 0:
            os.close(go_writer)
            os.close(told_reader)
            self._live(go_reader, told_writer)
        for fd in (go_reader, told_writer, *self._entrances):
            os.close(fd)
        try:
            veths = self._prepare_child()
            os.write(go_writer, _GO)
            self._await_init(told_reader)
            kernel.unmount(f"{self._plan['folder']}/root")
        except BaseException:
            os.kill(self.pid, _SIGKILL)
            os.waitpid(self.pid, 0)
            raise
        finally:
            os.close(go_writer)
            os.close(told_reader)
        return veths

    def _be_born(self) -> None:
        """Fork into the namespaces; those of others are visited for that, for only we may."""
        shared = self._plan["join"]
        home = {name: os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in shared}
        for name, index in shared.items():
            kernel.setns(self._descriptors[index], FLAGS[name])
        self.pid, self.pidfd = kernel.clone(sum(FLAGS[name] for name in self._plan["unshare"] if name in FLAGS))
        for name, fd in home.items():
            if self.pid:
                kernel.setns(fd, FLAGS[name])
            os.close(fd)

    def _open_groups(self) -> list[int]:
        """The child joins its control groups by our right to do so."""
        uid, gid = self._owner
        for path in self._plan["inner_groups"]:
            if uid and path.endswith("cgroup.procs"):
                folder = os.path.dirname(path)
                for name in ("", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"):
                    os.chown(os.path.join(folder, name), uid, gid)
        return [os.open(path, os.O_WRONLY | os.O_CLOEXEC) for path in self._plan["inner_groups"]]

    def _prepare_root(self) -> None:
        """The child may not be let into the folders above its own; so it is born there."""
        base = self._plan["folder"]
        try:
            rootfs.prepare(self._plan, base, self._owner)
        except OSError as error:
            text = f"Failed to mount {error.filename}: {os.strerror(error.errno or 0)}"
            raise ContainerError(error.errno or 0, text) from None
        os.chdir(base)

    def namespace(self, name: str) -> int:
        """One of the container's namespaces, as a descriptor."""
        return os.open(f"/proc/{self.pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)

    def _prepare_child(self) -> list[str]:
        """What only the host's root can do for the child."""
        plan = self._plan
        if "user" in plan["unshare"]:
            privileges.write_map(self.pid, "uid", plan["uids"])
            privileges.write_map(self.pid, "gid", plan["gids"])
        if not plan["interfaces"]:
            return []
        self._net = self.namespace("net")
        try:
            return network.make(plan["interfaces"], self._net)
        except OSError as error:
            text = f"Failed to make the network devices: {os.strerror(error.errno or 0)}"
            raise ContainerError(error.errno or 0, text) from None

    def give_back(self) -> None:
        """Its end: what it was given of the host's network devices comes back, which else only the hardware's would."""
        for interface in self._plan["interfaces"]:
            if interface["kind"] == "move":
                network.give_back(interface["guest"], self._net)

    def _await_init(self, told: int) -> None:
        message = os.read(told, _MESSAGE)
        if message:
            number, _, text = message.decode(errors="replace").partition(" ")
            raise ContainerError(int(number), text)

    # -- the child

    def _live(self, go: int, told: int) -> None:
        """The rest of the child's life as Python."""
        step = "Failed to start"
        try:
            if os.read(go, 1) != _GO:
                os._exit(1)
            for step, work in self._steps():  # noqa: B007 - the last one is told of
                work()
            step = f"cannot find init path '{self._plan['init']['argv'][0]}' relative to container root"
            self._run_init(told)
        except OSError as error:
            where = f" {error.filename}" if step == _MOUNTING and isinstance(error.filename, str) else ""
            self._fail(told, error.errno or 0, f"{step}{where}: {os.strerror(error.errno or 0)}")
        except BaseException as error:
            self._fail(told, 0, f"{step}: {error!r}")

    @staticmethod
    def _fail(told: int, number: int, text: str) -> None:
        os.write(told, f"{number} {text}".encode()[:_MESSAGE])
        os._exit(1)

    def _steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """The way to init: what fails when a step does, and the step."""
        plan = self._plan
        yield "Failed to join the control groups", self._join_groups
        if "user" in plan["unshare"]:
            yield "Failed to become the container's root", self._become_root
        yield "Failed to set the host name", lambda: sethostname(plan["hostname"])
        yield _MOUNTING, self._enter_root
        if "net" in plan["unshare"] or plan["interfaces"]:
            yield "Failed to set up the network", lambda: network.set_up_inside(plan["interfaces"])
        yield "Failed to set up standard streams", self._take_terminal
        security = plan["security"]
        if security is not None:
            yield "Failed to set the security label", lambda: privileges.confine(security)
        yield f"Failed to change to {plan['init']['directory']}", self._change_folder
        yield "Failed to drop capabilities", self._lose_privileges

    def _join_groups(self) -> None:
        """Its groups are the root of what the container sees of groups."""
        for fd in self._entrances:
            os.write(fd, b"0")
            os.close(fd)
        if "cgroup" in self._plan["unshare"]:
            kernel.unshare(kernel.CLONE_NEWCGROUP)

    @staticmethod
    def _become_root() -> None:
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        os.setgroups([])

    def _enter_root(self) -> None:
        kernel.mount(None, "/", flags=kernel.MS_SLAVE | kernel.MS_REC)
        rootfs.complete(self._plan).enter()

    def _take_terminal(self) -> None:
        """Standard streams are the first console, which becomes the controlling terminal; or nothing."""
        os.setsid()
        has_terminal = bool(self._plan["terminals"])
        fd = os.open(_FIRST_TERMINAL if has_terminal else "/dev/null", os.O_RDWR)
        if has_terminal:
            fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
        for number in (0, 1, 2):
            os.dup2(fd, number)
        if fd > 2:
            os.close(fd)

    def _change_folder(self) -> None:
        """A folder that the container does not have is its root, as with libvirt."""
        try:
            os.chdir(self._plan["init"]["directory"])
        except FileNotFoundError:
            os.chdir("/")

    def _lose_privileges(self) -> None:
        user = self._plan["init"]["user"]
        privileges.drop(self._plan["drop"])
        if user is not None:
            privileges.become((user[0], user[1]))

    def _run_init(self, told: int) -> None:
        init = self._plan["init"]
        told = self._keep_descriptors([self._descriptors[index] for index in init["files"]], told)
        kernel.die_with_parent(_SIGKILL)
        if not _is_read(told):
            os._exit(1)  # the parent died before it could take us along
        os.execvpe(init["argv"][0], init["argv"], init["environment"])  # noqa: S606

    @staticmethod
    def _keep_descriptors(files: list[int], told: int) -> int:
        """Give init its descriptors as 3, 4 …; all others close when it runs."""
        # First out of each other's way: numbers behind all those that they are to get.
        clear = 3 + len(files) + 1
        told = fcntl.fcntl(told, fcntl.F_DUPFD_CLOEXEC, clear)
        files = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, clear) for fd in files]
        for number, fd in enumerate(files, 3):
            os.dup2(fd, number, inheritable=True)
        return told
