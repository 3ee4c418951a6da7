# SPDX-License-Identifier: LGPL-2.1-or-later
"""The line to one QEMU: commands with deadlines, events in order, descriptors."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, TypeVar

from qemu.qmp import ExecInterruptedError, ExecuteError, QMPClient, QMPError, Runstate
from qemu.qmp.message import Message
from qemu.qmp.protocol import StateError

from virtd.errors import Code, VirtError
from virtd.tasks import TaskOwner

log = logging.getLogger(__name__)
# What the library logs as an error reaches our callers as one, with the words that matter to them.
logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)

T = TypeVar("T")

#: Seconds a command may take unless its caller knows better.
COMMAND_TIMEOUT = 30.0
CONNECT_TIMEOUT = 30.0
CLOSE_TIMEOUT = 5.0

#: (event name, its data, seconds, microseconds of QEMU's clock)
EventListener = Callable[[str, dict[str, Any], int, int], None]


class QmpError(VirtError):
    """QEMU understood the command and refused it.  `error_class` is QMP's ("GenericError", "DeviceNotFound" …)."""

    def __init__(self, command: str, error_class: str, description: str) -> None:
        super().__init__(Code.INTERNAL_ERROR, f"unable to execute QEMU command '{command}': {description}")
        self.command = command
        self.error_class = error_class
        self.description = description


class MonitorGone(VirtError):  # noqa: N818 - a state of affairs as much as an error
    """The connection is closed: whether a command that was under way took effect is not known."""

    def __init__(self) -> None:
        super().__init__(Code.INTERNAL_ERROR, "End of file from qemu monitor")


class MonitorTimeout(VirtError):  # noqa: N818
    """QEMU did not answer in time: it may still carry the command out later."""

    def __init__(self, command: str, seconds: float) -> None:
        super().__init__(Code.OPERATION_TIMEOUT, f"no reply from QEMU to '{command}' within {seconds:g} seconds")


class _Client(QMPClient):
    """The library's client without its pretty-printing, and with events handed over in place."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.listeners: list[EventListener] = []
        self.silent = False

    # Both hooks exist for debug logs; what they format costs more than the rest of a large reply.
    def _cb_inbound(self, msg: Message) -> Message:
        self.silent = False
        return msg

    def _cb_outbound(self, msg: Message) -> Message:
        return msg

    def _get_exec_id(self) -> str:
        # QEMU reads its monitor byte by byte, at several system calls each: the library's ids take longer than a reply.
        self._execute_id += 1
        return str(self._execute_id)

    async def _do_connect(self, address: Any, ssl: Any = None) -> None:
        # The library would treat a ready socket as TCP.
        self._set_state(Runstate.CONNECTING)
        self._reader, self._writer = await asyncio.open_unix_connection(sock=address, limit=self.readbuflen)

    async def _on_message(self, msg: Message) -> None:
        if "event" in msg:
            self._tell(msg)
        elif "error" in msg and "id" not in msg and self._pending:
            # QEMU could not parse a command, so it has no id to answer with; it answers in order, though.
            await next(iter(self._pending.values())).put(msg)
        else:
            await super()._on_message(msg)

    async def converse(self, message: Mapping[str, object]) -> Message:
        """Send any message, under an id of ours, and return the whole reply, refusals too."""
        return await self._raw(message)

    def _tell(self, msg: Message) -> None:
        name, data, stamp = msg["event"], msg.get("data", {}), msg.get("timestamp", {})
        if not (isinstance(name, str) and isinstance(data, dict) and isinstance(stamp, dict)):
            log.warning("%s: a malformed event was dropped", self.name)
            return
        seconds, microseconds = stamp.get("seconds"), stamp.get("microseconds")
        when = (seconds, microseconds) if isinstance(seconds, int) and isinstance(microseconds, int) else (0, 0)
        for listener in tuple(self.listeners):
            try:
                listener(name, data, *when)
            except Exception:
                log.exception("%s: a listener failed on %s", self.name, name)

    @property
    def unsent(self) -> int | None:
        """Bytes that wait to be sent; None when not connected."""
        return None if self._writer is None else self._writer.transport.get_write_buffer_size()

    # A QEMU that does not read must not keep the connection from closing.
    async def _bh_flush_writer(self) -> None:
        pass

    async def _bh_close_stream(self, error_pathway: bool = False) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        await super()._bh_close_stream(error_pathway)

    def abort(self) -> None:
        """Close without waiting for what QEMU has not read yet."""
        if self._writer is not None:
            self._writer.transport.abort()


class Monitor:
    """A QMP connection.  Any number of commands may be in flight; each has a deadline of its own.

    A command that QEMU does not answer in time raises `MonitorTimeout` and sets `hung` until QEMU says
    anything again; the connection stays and the late reply is dropped.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        #: Resolved with the reason, in words, when the connection is over.
        self.closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._client = _Client(name)
        self._tasks = TaskOwner(f"monitor {name}")
        self._watcher: asyncio.Task[None] | None = None
        self._fd_turn = asyncio.Lock()
        # Kept beside the transport, whose socket cannot pass descriptors on every event loop.
        self._socket: socket.socket | None = None

    @property
    def hung(self) -> bool:
        """QEMU missed a deadline and has said nothing since."""
        return self._client.silent

    async def connect(self, address: str | socket.socket, *, timeout: float = CONNECT_TIMEOUT) -> None:  # noqa: ASYNC109
        """Connect to a socket's path or take over a connected socket, and negotiate.

        Raises:
            VirtError: OPERATION_FAILED when it does not succeed; the monitor can then not be used.
        """
        try:
            async with asyncio.timeout(timeout):
                self._socket = await self._open(address)
                await self._client.connect(self._socket.dup())
        except (QMPError, OSError) as error:
            self._drop_socket()
            reason = str(error) or "timed out"
            self.closed.set_result(reason)
            raise VirtError(Code.OPERATION_FAILED, f"failed to connect to monitor socket: {reason}") from error
        except BaseException:
            self._drop_socket()
            raise
        self._watcher = self._tasks.spawn(self._watch(), "watcher")

    async def _open(self, address: str | socket.socket) -> socket.socket:
        if isinstance(address, socket.socket):
            address.setblocking(False)
            return address
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _drop_socket(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _watch(self) -> None:
        """Notice the end of the connection: the library waits to be asked for it."""
        while self._client.runstate is Runstate.RUNNING:
            await self._client.runstate_changed()
        await self._finish()

    async def _finish(self) -> None:
        reason = "closed"
        try:
            if self._client.runstate is not Runstate.IDLE:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self._client.disconnect()
        except (EOFError, QMPError, OSError, ValueError) as error:
            reason = str(error) or "end of file"
        finally:
            self._drop_socket()
            if not self.closed.done():
                self.closed.set_result(reason)

    async def close(self) -> None:
        """End the connection; commands under way raise `MonitorGone`.  Idempotent."""
        self._client.abort()
        if self._watcher is not None:
            # Cut off while it takes leave, the library would leave an error behind that nobody looks at.
            await asyncio.wait([self._watcher], timeout=CLOSE_TIMEOUT)
        await self._tasks.close()
        await self._finish()

    def add_event_listener(self, listener: EventListener) -> Callable[[], None]:
        """Call `listener` for each later event, in QEMU's order; the result ends that.  It must not wait."""
        self._client.listeners.append(listener)
        return lambda: self._client.listeners.remove(listener)

    async def execute(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float = COMMAND_TIMEOUT,  # noqa: ASYNC109 - every caller states its patience
    ) -> Any:
        """Run a command and return what QEMU returns.

        Raises:
            QmpError: QEMU refused.
            MonitorTimeout: no reply within `timeout` seconds.
            MonitorGone: the connection ended before the reply.
        """
        try:
            return await self._answer(command, timeout, lambda: self._client.execute(command, arguments))
        except ExecuteError as error:
            raise QmpError(command, error.error_class, str(error)) from None

    async def converse(self, message: Mapping[str, Any], fd: int | None = None) -> dict[str, Any]:
        """Send a message of somebody else's making, with a descriptor, and return QEMU's whole reply, refusals too.

        Raises:
            VirtError: as `execute`, but for `QmpError`.
        """
        command = str(message.get("execute"))
        async with self._passed(command, fd) if fd is not None else nullcontext():
            return dict(await self._answer(command, COMMAND_TIMEOUT, lambda: self._client.converse(message)))

    async def _answer(self, command: str, seconds: float, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await ask()
        except ExecuteError:
            raise
        except TimeoutError:
            self._client.silent = True
            raise MonitorTimeout(command, seconds) from None
        except (ExecInterruptedError, StateError):
            raise MonitorGone from None
        except QMPError as error:
            raise VirtError(Code.INTERNAL_ERROR, f"malformed reply to QEMU command '{command}': {error}") from error

    async def send_fd(self, command: str, arguments: Mapping[str, Any], fd: int) -> Any:
        """Run a command that takes a descriptor (`getfd`, `add-fd` …); `fd` stays open here.

        Raises:
            VirtError: as `execute`.
        """
        async with self._passed(command, fd):
            return await self.execute(command, arguments)

    @asynccontextmanager
    async def _passed(self, command: str, fd: int) -> AsyncIterator[None]:
        """QEMU has the descriptor, for the one command that is sent here."""
        # It keeps only the last one it got, so that two such commands must not mix.
        async with self._fd_turn:
            try:
                async with asyncio.timeout(COMMAND_TIMEOUT):
                    while not self._try_send_fd(fd):  # noqa: ASYNC110 - a transport has no such event
                        await asyncio.sleep(0.005)
            except TimeoutError:
                self._client.silent = True
                raise MonitorTimeout(command, COMMAND_TIMEOUT) from None
            except OSError as error:
                raise VirtError(Code.INTERNAL_ERROR, f"cannot pass a descriptor to QEMU: {error}") from error
            yield

    def _try_send_fd(self, fd: int) -> bool:
        """Pass `fd` with a space between two messages; False while one of them is half sent."""
        if self._socket is None or self._client.unsent is None:
            raise MonitorGone
        if self._client.unsent:
            return False
        try:
            return socket.send_fds(self._socket, [b" "], [fd]) == 1
        except BlockingIOError:
            return False
