# SPDX-License-Identifier: LGPL-2.1-or-later
"""Procedures lead to a driver's methods, with the right arguments, results and errors."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from conf.errors import XMLError, XMLFormError
from drivers.base import Driver
from virtd.calls import Call, Connection, Identity, WithFds, current_call
from virtd.dispatch import Dispatcher, SignatureMismatchError
from virtd.errors import Code, From, VirtError
from virtd.params import TypedParam
from virtd.refs import DomainRef, NetworkRef
from virtd.wire.programs import LXC, QEMU, REMOTE, Program

DOM = DomainRef("a", bytes(16), -1)
PARAMS = [TypedParam("weight", 2, 5), TypedParam("device", 7, "x"), TypedParam("limit", 4, 9)]


class BlockPart:
    def domain_get_block_job_info(self, dom: DomainRef, path: str, flags: int) -> Any:
        return (1, 2, 3, 4) if path == "vda" else None


class FakeDriver(Driver):
    error_source = From.QEMU

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type]
        self.parts = (BlockPart(),)
        self.heard: list[Any] = []

    def connect_get_type(self) -> str:
        return "QEMU"

    def connect_list_all_domains(self, flags: int) -> list[DomainRef]:
        self.heard.append(flags)
        return [DOM, DomainRef("b", bytes(16), 7)]

    def domain_get_blkio_parameters(self, dom: DomainRef, flags: int) -> list[TypedParam]:
        self.heard.append(flags)
        return PARAMS

    def domain_get_vcpus(self, dom: DomainRef) -> Any:
        return [(0, 1, 10, 3, b"\x0f"), (1, 1, 20, 2, b"\xf0\x01")]

    def domain_get_cpu_stats(self, dom: DomainRef, start_cpu: int, ncpus: int, flags: int) -> Any:
        cpus = [PARAMS, PARAMS[:1]][start_cpu:]
        return cpus[:ncpus] if ncpus else cpus

    def domain_get_security_label_list(self, dom: DomainRef) -> Any:
        return [("label", 1)]

    def node_get_cpu_stats(self, cpu_num: int, flags: int) -> Any:
        return [("user", 1), ("idle", 2)]

    async def domain_create_with_flags(self, dom: DomainRef, flags: int) -> DomainRef:
        self.heard.append((dom, flags))
        return dom

    def domain_define_xml_flags(self, xml: str, flags: int) -> DomainRef:
        raise XMLFormError("bad root") if xml == "<y/>" else XMLError("bad")

    def domain_suspend(self, dom: DomainRef) -> None:
        raise VirtError(Code.OPERATION_INVALID, "domain is not running")

    async def domain_resume(self, dom: DomainRef) -> None:
        raise ZeroDivisionError

    async def domain_core_dump(self, dom: DomainRef, to: str, flags: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system", to)

    def domain_get_xml_desc(self, dom: DomainRef, flags: int) -> str:
        return "<domain/>"

    def domain_open_graphics_fd(self, dom: DomainRef, idx: int, flags: int) -> WithFds:
        return WithFds(None, [3])

    def qemu_domain_monitor_command(self, dom: DomainRef, cmd: str, flags: int) -> str:
        return cmd


class FakeNetworks(Driver):
    error_source = From.NETWORK

    def connect_list_all_networks(self, flags: int) -> list[NetworkRef]:
        return [NetworkRef("default", bytes(16))]


@pytest.fixture
def driver() -> FakeDriver:
    return FakeDriver()


@pytest.fixture
def dispatcher(driver: FakeDriver) -> Dispatcher:
    return Dispatcher(driver, FakeNetworks(None))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def connection() -> Iterator[Connection]:
    connection = Connection("fake:///", False, Identity())
    token = current_call.set(Call("virFake", connection))
    yield connection
    current_call.reset(token)


def call(dispatcher: Dispatcher, name: str, *args: Any, program: Program = REMOTE) -> Any:
    """What the procedure answers; its reply must fit the wire."""
    procedure = program.by_name[name]
    result = dispatcher.handler(procedure)(*args)
    if isinstance(result, tuple):
        procedure.encode_ret(result)
    return result


def refusal(dispatcher: Dispatcher, name: str, *args: Any, program: Program = REMOTE) -> tuple[int, int | None, str]:
    with pytest.raises(VirtError) as caught:
        call(dispatcher, name, *args, program=program)
    return caught.value.code, caught.value.source, caught.value.message


def test_single_field(dispatcher: Dispatcher) -> None:
    assert call(dispatcher, "CONNECT_GET_TYPE") == ("QEMU",)


@pytest.mark.parametrize(("need_results", "shown"), [(1, 2), (0, 0)])
def test_listing(dispatcher: Dispatcher, driver: FakeDriver, need_results: int, shown: int) -> None:
    domains, count = call(dispatcher, "CONNECT_LIST_ALL_DOMAINS", need_results, 2)
    assert (len(domains), count, driver.heard) == (shown, 2, [2])


def test_old_lists_follow_from_new_ones(dispatcher: Dispatcher, driver: FakeDriver) -> None:
    assert call(dispatcher, "CONNECT_LIST_DOMAINS", 10) == ([-1, 7],)
    assert call(dispatcher, "CONNECT_LIST_DEFINED_DOMAINS", 1) == (["a"],)
    assert call(dispatcher, "CONNECT_NUM_OF_DOMAINS") == (2,)
    assert driver.heard == [1, 2, 1]


def test_list_limits(dispatcher: Dispatcher) -> None:
    assert refusal(dispatcher, "CONNECT_LIST_DOMAINS", -1) == (39, 7, "maxids must be non-negative")
    assert refusal(dispatcher, "CONNECT_LIST_DOMAINS", 16385) == (39, 7, "maxids > REMOTE_DOMAIN_LIST_MAX")


@pytest.mark.parametrize(
    ("nparams", "flags", "shown", "count"),
    [(0, 4, [], 3), (0, 0, [], 3), (3, 4, PARAMS, 0), (3, 0, [PARAMS[0], PARAMS[2]], 0), (1, 4, PARAMS[:1], 0)],
)
def test_parameters(
    dispatcher: Dispatcher, driver: FakeDriver, nparams: int, flags: int, shown: list[TypedParam], count: int
) -> None:
    assert call(dispatcher, "DOMAIN_GET_BLKIO_PARAMETERS", DOM, nparams, flags) == (shown, count)
    assert driver.heard == [0]


def test_parameter_limits(dispatcher: Dispatcher) -> None:
    name = "DOMAIN_GET_BLKIO_PARAMETERS"
    assert refusal(dispatcher, name, DOM, 17, 0) == (1, 7, "internal error: nparams too large")
    assert refusal(dispatcher, name, DOM, -1, 0) == (1, 7, "internal error: nparams must be non-negative")


def test_vcpus(dispatcher: Dispatcher) -> None:
    info, maps = call(dispatcher, "DOMAIN_GET_VCPUS", DOM, 3, 2)
    assert info == [(0, 1, 10, 3), (1, 1, 20, 2)]
    assert maps == b"\x0f\0\xf0\x01\0\0"
    assert refusal(dispatcher, "DOMAIN_GET_VCPUS", DOM, 16384, 4096)[2] == (
        "internal error: maxinfo * maplen > REMOTE_CPUMAPS_MAX"
    )


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        ((0, 0, 0, 0), ([], 2)),
        ((0, 0, 2, 0), ([], 3)),
        ((3, 0, 2, 4), ([*PARAMS, PARAMS[0]], 3)),
        ((3, 0, 2, 0), ([PARAMS[0], PARAMS[2], PARAMS[0]], 2)),
    ],
)
def test_cpu_stats(dispatcher: Dispatcher, args: tuple[int, ...], answer: object) -> None:
    assert call(dispatcher, "DOMAIN_GET_CPU_STATS", DOM, *args) == answer


def test_cpu_stats_refusals(dispatcher: Dispatcher) -> None:
    assert refusal(dispatcher, "DOMAIN_GET_CPU_STATS", DOM, 1, -1, 2, 0) == (
        8,
        20,
        "ncpus must be 1 when start_cpu is -1",
    )
    assert refusal(dispatcher, "DOMAIN_GET_CPU_STATS", DOM, 200, 0, 100, 0)[2] == "internal error: nparams too large"


def test_node_stats_want_the_exact_number(dispatcher: Dispatcher) -> None:
    assert call(dispatcher, "NODE_GET_CPU_STATS", -1, 0, 0) == ([], 2)
    assert call(dispatcher, "NODE_GET_CPU_STATS", -1, 2, 0) == ([("user", 1), ("idle", 2)], 0)
    assert refusal(dispatcher, "NODE_GET_CPU_STATS", -1, 3, 0) == (
        8,
        0,
        "nparams in virHostCPUGetStatsLinux must be equal to 2",
    )


def test_security_labels_end_with_nul(dispatcher: Dispatcher) -> None:
    assert call(dispatcher, "DOMAIN_GET_SECURITY_LABEL_LIST", DOM) == ([(b"label\0", 1)], 1)


def test_parts_answer_too(dispatcher: Dispatcher) -> None:
    assert call(dispatcher, "DOMAIN_GET_BLOCK_JOB_INFO", DOM, "vda", 0) == (1, 1, 2, 3, 4)
    assert call(dispatcher, "DOMAIN_GET_BLOCK_JOB_INFO", DOM, "vdb", 0) == (0, 0, 0, 0, 0)


def test_services_answer_too(dispatcher: Dispatcher) -> None:
    assert call(dispatcher, "CONNECT_LIST_NETWORKS", 5) == (["default"],)


def test_other_programs(dispatcher: Dispatcher) -> None:
    assert call(dispatcher, "DOMAIN_MONITOR_COMMAND", DOM, "x", 0, program=QEMU) == ("x",)
    assert refusal(dispatcher, "DOMAIN_OPEN_NAMESPACE", DOM, 0, program=LXC) == (
        3,
        0,
        "this function is not supported by the connection driver: virDomainLxcOpenNamespace",
    )


async def test_asynchronous_method(dispatcher: Dispatcher, driver: FakeDriver) -> None:
    assert await call(dispatcher, "DOMAIN_CREATE", DOM) == ()
    assert await call(dispatcher, "DOMAIN_CREATE_WITH_FLAGS", DOM, 1) == (DOM,)
    assert driver.heard == [(DOM, 0), (DOM, 1)]


def test_descriptors(dispatcher: Dispatcher) -> None:
    answer = call(dispatcher, "DOMAIN_OPEN_GRAPHICS_FD", DOM, 0, 0)
    assert (answer.value, answer.fds) == ((), [3])


@pytest.mark.parametrize(
    ("name", "args", "source", "api"),
    [
        ("DOMAIN_DESTROY", (DOM,), From.DOMAIN, "virDomainDestroy"),
        ("CONNECT_LIST_ALL_NODE_DEVICES", (1, 0), From.NODEDEV, "virConnectListAllNodeDevices"),
        ("NODE_NUM_OF_DEVICES", (None, 0), From.NODEDEV, "virNodeNumOfDevices"),
        ("NODE_SUSPEND_FOR_DURATION", (0, 0, 0), From.DOMAIN, "virNodeSuspendForDuration"),
        ("DOMAIN_INTERFACE_STATS", (DOM, "x"), From.DOMAIN, "virDomainInterfaceStats"),
        ("DOMAIN_SNAPSHOT_NUM", (DOM, 0), From.DOMAIN_SNAPSHOT, "virDomainSnapshotNum"),
    ],
)
def test_not_supported(dispatcher: Dispatcher, name: str, args: tuple[Any, ...], source: From, api: str) -> None:
    text = f"this function is not supported by the connection driver: {api}"
    assert refusal(dispatcher, name, *args) == (3, source, text)
    assert not dispatcher.supports(REMOTE.by_name[name])


def test_read_only(dispatcher: Dispatcher, connection: Connection) -> None:
    connection.readonly = True
    assert refusal(dispatcher, "DOMAIN_CREATE", DOM) == (
        29,
        20,
        "operation forbidden: read only access prevents virDomainCreate",
    )
    assert call(dispatcher, "DOMAIN_GET_XML_DESC", DOM, 2) == ("<domain/>",)
    for flags in (1, 8):
        assert refusal(dispatcher, "DOMAIN_GET_XML_DESC", DOM, flags)[2] == (
            "operation forbidden: virDomainGetXMLDesc with secure flag"
        )
    assert refusal(dispatcher, "DOMAIN_GET_VCPUS_FLAGS", DOM, 8)[0] == Code.OPERATION_DENIED
    assert refusal(dispatcher, "DOMAIN_GET_VCPUS_FLAGS", DOM, 4)[0] == Code.NO_SUPPORT
    assert refusal(dispatcher, "DOMAIN_INTERFACE_ADDRESSES", DOM, 1, 0)[0] == Code.OPERATION_DENIED
    assert refusal(dispatcher, "DOMAIN_INTERFACE_ADDRESSES", DOM, 3, 0)[0] == Code.NO_SUPPORT


def test_empty_arguments(dispatcher: Dispatcher) -> None:
    assert refusal(dispatcher, "DOMAIN_SET_MEMORY", DOM, 0) == (8, 20, "memory in virDomainSetMemory must not be zero")
    assert refusal(dispatcher, "DOMAIN_RENAME", DOM, None, 0)[2] == "new_name in virDomainRename must not be NULL"


def test_missing_descriptors(dispatcher: Dispatcher) -> None:
    assert refusal(dispatcher, "DOMAIN_OPEN_GRAPHICS", DOM, 0, 0) == (1, 7, "internal error: No FD available at slot 0")
    assert refusal(dispatcher, "DOMAIN_FD_ASSOCIATE", DOM, "x", 0)[2] == "nfds in virDomainFDAssociate must not be zero"


def test_errors_get_a_source(dispatcher: Dispatcher) -> None:
    assert refusal(dispatcher, "DOMAIN_SUSPEND", DOM) == (
        55,
        10,
        "Requested operation is not valid: domain is not running",
    )
    assert refusal(dispatcher, "DOMAIN_DEFINE_XML", "<x/>") == (27, 20, "XML error: bad")
    assert refusal(dispatcher, "DOMAIN_DEFINE_XML", "<y/>") == (27, 5, "XML error: bad root")


async def test_what_the_kernel_refused_is_told(dispatcher: Dispatcher) -> None:
    with pytest.raises(VirtError) as caught:
        await call(dispatcher, "DOMAIN_CORE_DUMP", DOM, "/x", 0)
    assert (caught.value.code, caught.value.source) == (Code.SYSTEM_ERROR, From.QEMU)
    assert caught.value.message == "virDomainCoreDump failed: '/x': Read-only file system"


async def test_unforeseen_errors_are_logged(dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(VirtError) as caught:
        await call(dispatcher, "DOMAIN_RESUME", DOM)
    assert caught.value.message == "internal error: unexpected ZeroDivisionError in virDomainResume"
    assert "Traceback" in caplog.text


def test_wrong_signature() -> None:
    class Wrong(FakeDriver):
        def domain_destroy(self, dom: DomainRef, flags: int) -> None: ...

    with pytest.raises(SignatureMismatchError, match="virDomainDestroy brings 1 parameters"):
        Dispatcher(Wrong())


def test_method_twice() -> None:
    class Twice(FakeDriver):
        def domain_get_block_job_info(self, dom: DomainRef, path: str, flags: int) -> None: ...

    with pytest.raises(SignatureMismatchError, match="more than once"):
        Dispatcher(Twice())
