# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random calls to the test driver, as the wire brings them: each is answered or refused, and its answer can be sent."""

from __future__ import annotations

import asyncio
import inspect
import logging
import random
from contextlib import suppress
from typing import Any

import pytest

from tests.fakes.make_believe import Caller, make_driver
from virtd.calls import Call, WithStream, current_call
from virtd.dispatch import Dispatcher, driver_procedures
from virtd.errors import VirtError
from virtd.params import TypedParam
from virtd.refs import (
    CheckpointRef,
    DomainRef,
    InterfaceRef,
    NetworkPortRef,
    NetworkRef,
    NodeDeviceRef,
    SnapshotRef,
    StoragePoolRef,
    StorageVolRef,
)
from virtd.wire.programs import Procedure
from virtd.wire.types import Array, Opaque, Optional, Params, Scalar, String, Type, Uuid

CALLS = 4000
GUEST = """<domain type='test'><name>{}</name><memory>1024</memory><os><type>hvm</type></os><devices>
<disk type='file'><source file='/x'/><target dev='vda' bus='virtio'/></disk>
<disk device='cdrom'><target dev='hdc' bus='ide'/></disk><interface type='user'/><console type='pty'/></devices></domain>"""
#: Word in a function's name → documents that it may want.
DOCUMENTS = {
    "SNAPSHOT": ["<domainsnapshot/>", "<domainsnapshot><name>s</name></domainsnapshot>"],
    "CHECKPOINT": ["<domaincheckpoint><name>c</name></domaincheckpoint>"],
    "NETWORK_UPDATE": ["<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>", "<txt name='a' value='b'/>"],
    "NETWORK": ["<network><name>n</name><bridge name='b'/></network>"],
    "POOL": ["<pool type='dir'><name>p</name><target><path>/p</path></target></pool>"],
    "VOL": ["<volume><name>v</name><capacity>1</capacity></volume>"],
    "BLOCK_COPY": ["<disk type='file'><driver type='raw'/><source file='/copy'/></disk>"],
    "DEVICE": ["<disk type='file'><source file='/y'/><target dev='vdb'/></disk>", "<interface type='user'/>"],
    "INTERFACE": ["<interface type='ethernet' name='eth3'/>"],
    "MONITOR": ['{"execute": "advance", "arguments": {"seconds": 3}}', '{"execute": "io-error", "arguments": {"device": "vda"}}'],
    "": [GUEST.format("a"), "", "<a/>", "é"],
}  # fmt: skip
NAMES = [
    "a",
    "test",
    "s",
    "c",
    "vda",
    "vda",
    "vdb",
    "hdc",
    "n",
    "default",
    "default-pool",
    "p",
    "v",
    "eth1",
    "computer",
    "/",
    "",
]
FIELDS = [
    "hard_limit",
    "numa_nodeset",
    "weight",
    "device_weight",
    "inbound.average",
    "total_bytes_sec",
    "cmt",
    "bandwidth",
]
NUMBERS = [0, 0, 0, 1, 1, 2, 3, 4, 8, 16, 64, 1000]
#: What ends guests and other objects is asked for less often, so that something is there to be asked about.
ENDING = ("DESTROY", "UNDEFINE", "SHUTDOWN", "SAVE", "CORE_DUMP", "CONFIRM", "DELETE", "REVERT")


class Fuzzer:
    """Makes arguments; `client` tells which objects there are."""

    def __init__(self, seed: int, client: Caller) -> None:
        self._random = random.Random(seed)
        self._client = client

    def choose(self, procedures: list[Procedure]) -> Procedure:
        procedure = self._random.choice(procedures)
        rare = any(word in procedure.name for word in ENDING) and self._random.random() < 0.9
        return self.choose(procedures) if rare else procedure

    def arguments(self, procedure: Procedure) -> tuple[Any, ...]:
        return tuple(self._value(procedure.name, name, type_) for name, type_ in procedure.args.fields)

    def _value(self, call: str, name: str, type_: Type) -> Any:
        choice = self._random.choice
        match type_:
            case Optional(of=of):
                return None if choice((True, False)) else self._value(call, name, of)
            case String():
                documents = next(texts for word, texts in DOCUMENTS.items() if word in call)
                return choice(documents if ("xml" in name or name == "cmd") and choice((1, 1, 0)) else NAMES)
            case Uuid():
                return self._random.randbytes(16)
            case Opaque():
                return self._random.randbytes(choice((0, 1, 3)))
            case Params():
                return [
                    TypedParam(choice(FIELDS), t, "/x,5" if t == 7 else choice(NUMBERS))
                    for t in (3, 4, 6, 7)[: choice((0, 1, 2))]
                ]
            case Array(of=of):
                return [self._value(call, name, of) for _ in range(choice((0, 1, 2)))]
            case Scalar(format=format_):
                return float(choice(NUMBERS)) if format_ == "d" else choice(NUMBERS)
        return self._handle(name)

    def _handle(self, name: str) -> Any:
        choice, client = self._random.choice, self._client
        dom = choice(client.connect_list_all_domains(0) or [DomainRef("gone", bytes(16), -1)])
        net = choice(client.connect_list_all_networks(0) or [NetworkRef("gone", bytes(16))])
        handles: dict[str, Any] = {
            "dom": dom,
            "doms": dom,
            "net": net,
            "network": net,
            "port": NetworkPortRef(net, bytes(16)),
            "pool": choice(client.connect_list_all_storage_pools(0) or [StoragePoolRef("gone", bytes(16))]),
            "vol": StorageVolRef("default-pool", choice(NAMES), "k"),
            "clonevol": StorageVolRef("default-pool", choice(NAMES), "k"),
            "snap": SnapshotRef(choice(NAMES), dom),
            "snapshot": SnapshotRef(choice(NAMES), dom),
            "checkpoint": CheckpointRef(choice(NAMES), dom),
            "iface": InterfaceRef(choice(NAMES), ""),
            "dev": NodeDeviceRef(choice(NAMES)),
        }
        return handles[name]


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_call_is_answered_or_refused(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    driver = make_driver()
    client = await Caller(driver).open()
    dispatcher, fuzzer = Dispatcher(driver), Fuzzer(seed, client)
    procedures = [procedure for procedure in driver_procedures() if dispatcher.supports(procedure)]
    answered = set()
    for number in range(CALLS):
        if number % 25 == 0:
            _provide(client)
        procedure = fuzzer.choose(procedures)
        current_call.set(Call(procedure.api, client.connection))
        if await _answered(dispatcher, procedure, fuzzer.arguments(procedure), client):
            answered.add(procedure.name)
    assert not [record.getMessage() for record in caplog.records], "dispatch logs what it did not foresee"
    assert len(answered) > 150
    await driver.stop()


def _provide(client: Caller) -> None:
    """Guests that run."""
    for name in ("a", "test"):
        with suppress(VirtError):
            client.domain_create_xml(GUEST.format(name), 0)


async def _answered(dispatcher: Dispatcher, procedure: Procedure, args: tuple[Any, ...], client: Caller) -> bool:
    """Whether the call succeeded; its answer is one that the wire can carry."""
    try:
        result = dispatcher.handler(procedure)(*args)
        if inspect.isawaitable(result):
            work = asyncio.ensure_future(result)
            await asyncio.sleep(0)
            client.world_of().clock.advance(1000)
            async with asyncio.timeout(20):
                result = await work
    except VirtError:
        return False
    fields = result.value if isinstance(result, WithStream) else result
    procedure.encode_ret(fields)
    return True
