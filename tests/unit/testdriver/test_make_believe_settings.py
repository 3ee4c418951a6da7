# SPDX-License-Identifier: LGPL-2.1-or-later
"""Parameters, CPUs, I/O threads and memory of guests, now and as stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.make_believe import Caller
from virtd.enums import ConnectGetAllDomainStatsFlags, DomainModificationImpact
from virtd.enums import DomainStatsTypes as Stats
from virtd.enums import DomainVcpuFlags as Vcpu
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError
from virtd.params import TypedParam
from virtd.refs import DomainRef

LIVE, CONFIG = DomainModificationImpact.LIVE, DomainModificationImpact.CONFIG

#: Of each kind: the pair of methods, arguments before the parameters, a parameter, and what the XML shows of it.
CASES = {
    "memory": ((), TypedParam("hard_limit", T.ULLONG, 4096), "<hard_limit unit='KiB'>4096</hard_limit>"),
    "numa": ((), TypedParam("numa_nodeset", T.STRING, "0-1"), "<memory mode='strict' nodeset='0-1'/>"),
    "blkio": ((), TypedParam("device_weight", T.STRING, "/dev/sda,300"), "<path>/dev/sda</path>"),
    "interface": (("testnet0",), TypedParam("inbound.average", T.UINT, 77), "<inbound average='77'/>"),
}


@pytest.fixture
def dom(client: Caller) -> DomainRef:
    (found,) = client.connect_list_all_domains(0)
    assert isinstance(found, DomainRef)
    return found


def get(client: Caller, kind: str, *args: Any) -> dict[str, Any]:
    return {p.field: p.value for p in getattr(client, f"domain_get_{kind}_parameters")(*args)}


@pytest.mark.parametrize("kind", CASES)
def test_a_parameter_is_set_where_the_caller_says(client: Caller, dom: DomainRef, kind: str) -> None:
    args, param, xml = CASES[kind]
    before = get(client, kind, dom, *args, CONFIG)
    getattr(client, f"domain_set_{kind}_parameters")(dom, *args, [param], LIVE)
    assert get(client, kind, dom, *args, LIVE)[param.field] == param.value
    assert get(client, kind, dom, *args, CONFIG) == before
    assert xml in client.domain_get_xml_desc(dom, 0)


@pytest.mark.parametrize("kind", CASES)
def test_unknown_parameters_are_refused(client: Caller, dom: DomainRef, kind: str) -> None:
    with pytest.raises(VirtError, match="parameter 'foo' not supported"):
        getattr(client, f"domain_set_{kind}_parameters")(dom, *CASES[kind][0], [TypedParam("foo", T.INT, 1)], 0)


def test_a_limit_of_memory_is_below_that_with_swap(client: Caller, dom: DomainRef) -> None:
    params = [TypedParam("hard_limit", T.ULLONG, 10), TypedParam("swap_hard_limit", T.ULLONG, 5)]
    with pytest.raises(VirtError, match="lower than or equal to swap_hard_limit"):
        client.domain_set_memory_parameters(dom, params, 0)
    assert "memtune" not in client.domain_get_xml_desc(dom, 0)


def test_limits_of_a_disk_are_told(client: Caller, dom: DomainRef, told: list[Any]) -> None:
    param = TypedParam("total_bytes_sec", T.ULLONG, 1000)
    client.domain_set_block_io_tune(dom, "vda", [param], 0)
    assert param in client.domain_get_block_io_tune(dom, "vda", 0)
    assert told[-1].args[0][1] == TypedParam("blkdeviotune.total_bytes_sec", T.ULLONG, 1000)


def test_virtual_cpus(client: Caller, dom: DomainRef) -> None:
    client.domain_set_vcpus_flags(dom, 1, LIVE)
    assert len(client.domain_get_vcpus(dom)) == 1
    assert client.domain_get_vcpus_flags(dom, CONFIG) == 2
    with pytest.raises(VirtError, match=r"exceeds maximum \(3 > 2\)"):
        client.domain_set_vcpus_flags(dom, 3, LIVE | CONFIG)
    assert client.domain_get_vcpus_flags(dom, CONFIG) == 2
    client.domain_set_vcpus_flags(dom, 4, CONFIG | Vcpu.MAXIMUM)
    assert client.domain_get_vcpus_flags(dom, CONFIG | Vcpu.MAXIMUM) == 4
    client.domain_pin_vcpu_flags(dom, 0, b"\x05", LIVE)
    assert client.domain_get_vcpu_pin_info(dom, LIVE)[0] == b"\x05"


def test_io_threads(client: Caller, dom: DomainRef) -> None:
    client.domain_add_iothread(dom, 3, LIVE)
    client.domain_pin_iothread(dom, 3, b"\x03", LIVE)
    assert client.domain_get_iothread_info(dom, LIVE) == [(3, b"\x03")]
    client.domain_set_iothread_params(dom, 3, [TypedParam("poll_grow", T.UINT, 9)], LIVE)
    ((_dom, params),) = client.connect_get_all_domain_stats([], Stats.IOTHREAD, 0)
    assert TypedParam("iothread.3.poll-grow", T.UINT, 9) in params
    client.domain_del_iothread(dom, 3, LIVE)
    assert "iothread" not in client.domain_get_xml_desc(dom, 0)


def test_memory(client: Caller, dom: DomainRef, told: list[Any]) -> None:
    client.domain_set_memory_flags(dom, 1024, LIVE)
    assert client.domain_get_info(dom)[2] == 1024
    assert told[-1].args == (1024,)
    with pytest.raises(VirtError, match="higher than max memory"):
        client.domain_set_memory_flags(dom, 1 << 40, LIVE)
    assert client.domain_memory_peek(dom, 254, 4, 2) == b"\xfe\xff\x00\x01"


def test_statistics_grow_with_the_host_s_time(client: Caller, dom: DomainRef) -> None:
    before = client.domain_block_stats(dom, "vda")
    client.qemu_domain_monitor_command(dom, '{"execute": "advance", "arguments": {"seconds": 100}}', 0)
    assert client.domain_block_stats(dom, "vda")[0] >= before[0] + 10_000_000
    assert client.domain_get_info(dom)[4] >= 100 * 10**9
    with pytest.raises(VirtError, match="invalid path: vdz"):
        client.domain_block_stats(dom, "vdz")


def test_groups_of_statistics(client: Caller, dom: DomainRef) -> None:
    ((_dom, params),) = client.connect_get_all_domain_stats([dom], Stats.STATE | Stats.BALLOON, 0)
    assert [p.field for p in params] == ["state.state", "state.reason", "balloon.current", "balloon.maximum"]
    with pytest.raises(VirtError, check=lambda error: error.code == Code.ARGUMENT_UNSUPPORTED):
        client.connect_get_all_domain_stats([], 1 << 20, ConnectGetAllDomainStatsFlags.ENFORCE_STATS)


@pytest.mark.parametrize(("key", "uri"), [("", "urn:a"), ("a b", "urn:a"), ("a", "<urn>"), ("a", "")])
def test_metadata_under_no_name_are_refused(client: Caller, dom: DomainRef, key: str, uri: str) -> None:
    with pytest.raises(VirtError, match="failed to validate prefix"):
        client.domain_set_metadata(dom, 2, "<a/>", key, uri, LIVE)


def test_a_guest_without_a_cpu_is_bearable(client: Caller) -> None:
    xml = "<domain type='test'><name>n</name><memory>1</memory><vcpu current='0'>2</vcpu><os><type>hvm</type></os></domain>"
    dom = client.domain_create_xml(xml, 0)
    assert client.domain_get_vcpus(dom) == []
    assert client.connect_get_all_domain_stats([dom], 0, 0)
