# SPDX-License-Identifier: LGPL-2.1-or-later
"""Leads each procedure to the driver's method that answers it."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from types import CoroutineType, TracebackType
from typing import Any

from conf.errors import ConfError
from drivers.base import Driver
from virtd.calls import WithFds, WithStream
from virtd.dispatch.checks import Handler, checked
from virtd.dispatch.derived import DERIVED, Method
from virtd.dispatch.irregular import adaptor
from virtd.dispatch.shapes import Args
from virtd.dispatch.sources import api_source
from virtd.errors import Code, VirtError, no_support
from virtd.wire.programs import LXC, QEMU, REMOTE, Procedure

log = logging.getLogger(__name__)

#: Methods of a driver that the server calls with parameters of its own.
_NOT_BY_WIRE = {"connect_open"}


class SignatureMismatchError(TypeError):
    """A driver's method cannot take what its procedure brings."""


def method_name(procedure: Procedure) -> str:
    """What a driver calls the method that answers `procedure`."""
    prefix = {QEMU.number: "qemu_", LXC.number: "lxc_"}.get(procedure.program, "")
    return prefix + procedure.name.lower()


def driver_procedures() -> Iterator[Procedure]:
    """The procedures that a driver may answer."""
    for program in (REMOTE, QEMU, LXC):
        for procedure in program.by_name.values():
            if procedure.api and procedure.kind != "event" and method_name(procedure) not in _NOT_BY_WIRE:
                yield procedure


@dataclass(frozen=True, slots=True)
class Found:
    """A method, and whose errors it raises."""

    method: Method
    driver: Driver


class _Errors:
    """Around a driver's work: whatever comes out of it is a VirtError with a source."""

    __slots__ = ("driver", "procedure")

    def __init__(self, procedure: Procedure, driver: Driver) -> None:
        self.procedure = procedure
        self.driver = driver

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, VirtError):
            if error.source is None:
                error.source = self.driver.error_source
        elif isinstance(error, ConfError):
            raise VirtError.from_conf(error, api_source(self.procedure)) from error
        elif isinstance(error, Exception):
            api = self.procedure.api
            log.error("%s failed in an unforeseen way", api, exc_info=error)
            if isinstance(error, OSError):
                raise VirtError.from_os(error, f"{api} failed", self.driver.error_source) from error
            text = f"unexpected {type(error).__name__} in {api}"
            raise VirtError(Code.INTERNAL_ERROR, text, source=self.driver.error_source) from error


class Dispatcher:
    """The methods of one hypervisor driver, and of the host's services that its connections reach.

    Raises:
        SignatureMismatchError: a method has other parameters than the wire brings, or is there twice.
    """

    def __init__(self, hypervisor: Driver, *services: Driver) -> None:
        self._methods: dict[str, Found] = {}
        for driver in (hypervisor, *services):
            for name, method in _methods_of(driver).items():
                self._methods.setdefault(name, Found(method, driver))
        self._derive()
        self._handlers: dict[tuple[int, int], Handler] = {}

    def _derive(self) -> None:
        for name in DERIVED:
            self._derive_one(name)

    def _derive_one(self, name: str) -> Found | None:
        """The method of that name, made from a newer one if no driver has it."""
        if name not in self._methods and name in DERIVED and (newer := self._derive_one(DERIVED[name].newer)):
            self._methods[name] = Found(DERIVED[name].method(newer.method), newer.driver)
        return self._methods.get(name)

    def supports(self, procedure: Procedure) -> bool:
        """Whether a driver answers `procedure`."""
        return method_name(procedure) in self._methods

    def handler(self, procedure: Procedure) -> Handler:
        """What to call with the decoded arguments.  It raises VirtError, at once or from its awaitable.

        `virtd.calls.current_call` must be set around the call, and in the task that awaits.
        """
        key = procedure.program, procedure.number
        if key not in self._handlers:
            self._handlers[key] = self._make_handler(procedure)
        return self._handlers[key]

    def _make_handler(self, procedure: Procedure) -> Handler:
        found = self._methods.get(method_name(procedure))
        return checked(procedure, _answering(procedure, found) if found else _unsupported(procedure))


def _methods_of(driver: Driver) -> dict[str, Method]:
    """API method → bound method, of the driver and its parts.

    Raises:
        SignatureMismatchError: see `Dispatcher`.
    """
    found: dict[str, Method] = {}
    for procedure in driver_procedures():
        name = method_name(procedure)
        methods = [method for holder in (driver, *driver.parts) if (method := getattr(holder, name, None))]
        if len(methods) > 1:
            raise SignatureMismatchError(f"{type(driver).__name__} has {name} more than once")
        for method in methods:
            _check_signature(driver, procedure, method)
            found[name] = method
    return found


def _check_signature(driver: Driver, procedure: Procedure, method: Method) -> None:
    count = adaptor(procedure).parameters
    try:
        inspect.signature(method).bind(*[None] * count)
    except TypeError as error:
        text = f"{type(driver).__name__}: {procedure.api} brings {count} parameters to {method.__qualname__}: {error}"
        raise SignatureMismatchError(text) from None


def _unsupported(procedure: Procedure) -> Handler:
    def refuse(*_args: Any) -> Any:
        error = no_support(procedure.api)
        error.source = api_source(procedure)
        raise error

    return refuse


def _answering(procedure: Procedure, found: Found) -> Handler:
    adapt = adaptor(procedure)
    arguments = adapt.arguments or _as_they_are
    method = found.method
    errors = _Errors(procedure, found.driver)
    fields = _carrying(adapt.fields) if procedure.stream or procedure.fds in ("out", "both") else adapt.fields

    async def wait_for(work: Coroutine[Any, Any, Any], args: Args) -> Any:
        with errors:
            return fields(await work, args)

    if inspect.iscoroutinefunction(method):

        async def wait(*args: Any) -> Any:
            with errors:
                return fields(await method(*arguments(args)), args)

        return wait

    def answer(*args: Any) -> Any:
        with errors:
            result = method(*arguments(args))
            # A method that can answer most questions from memory may have to wait for some.
            return wait_for(result, args) if isinstance(result, CoroutineType) else fields(result, args)

    return answer


def _as_they_are(args: Args) -> Args:
    return args


def _carrying(fields: Callable[[Any, Args], Any]) -> Callable[[Any, Args], Any]:
    """The same for a result that may carry descriptors or a stream."""

    def inside(result: Any, args: Args) -> Any:
        if isinstance(result, WithFds | WithStream):
            result.value = fields(result.value, args)
            return result
        return fields(result, args)

    return inside
