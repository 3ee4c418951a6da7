# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tables of the programs: complete, consistent, and right about public names."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from virtd.events import Kind
from virtd.wire.programs import ADMIN, LXC, PROGRAMS, QEMU, REMOTE, Procedure, WriteAccess
from virtd.wire.table import load_table

API = Path("/usr/share/libvirt/api")
#: Functions that the client library keeps to itself, or that are younger than the API description.
NOT_PUBLIC = ("virDomainMigrate", "virConnectSupportsFeature")
YOUNGER = range(444, 454)

ALL = [procedure for program in PROGRAMS.values() for procedure in program.by_name.values()]


def test_programs() -> None:
    assert {number: (program.name, program.version) for number, program in PROGRAMS.items()} == {
        0x20008086: ("remote", 1),
        0x20008087: ("qemu", 1),
        0x00068000: ("lxc", 1),
        0x06900690: ("admin", 1),
    }


@pytest.mark.parametrize(("program", "last"), [(REMOTE, 453), (QEMU, 7), (LXC, 1), (ADMIN, 19)])
def test_every_number_once(program: type[REMOTE], last: int) -> None:  # type: ignore[valid-type]
    assert sorted(program.procedures) == list(range(1, last + 1))
    assert len(program.by_name) == last


def test_calls_have_a_public_name() -> None:
    nameless = {procedure.name for procedure in ALL if procedure.kind != "event" and not procedure.api}
    assert nameless == {name for name in REMOTE.by_name if name.startswith("AUTH_")}
    assert all(procedure.before_auth == (procedure.name in nameless) for procedure in ALL)


@pytest.mark.skipif(not API.exists(), reason="libvirt's description of its API is not installed")
def test_public_names() -> None:
    names: set[str | None] = set()
    for description in API.glob("libvirt*-api.xml"):
        names.update(function.get("name") for function in ElementTree.parse(description).iter("function"))
    strange = [
        procedure.api
        for procedure in ALL
        if procedure.api
        and procedure.api not in names
        and not procedure.api.startswith(NOT_PUBLIC)
        and not (procedure.program == REMOTE.number and procedure.number in YOUNGER)
    ]
    assert not strange


def test_every_event_has_its_procedure() -> None:
    ids = {kind: sorted(event_id for of, event_id in REMOTE.events if of == kind) for kind in Kind}
    assert ids == {
        Kind.DOMAIN: list(range(27)),
        Kind.NETWORK: [0],
        Kind.STORAGE_POOL: [0, 1],
        Kind.NODE_DEVICE: [0, 1],
        Kind.SECRET: [0, 1],
        Kind.QEMU_MONITOR: [],
    }
    assert QEMU.events[Kind.QEMU_MONITOR, 0].callback.name == "DOMAIN_MONITOR_EVENT"


def test_legacy_events_are_the_first_sixteen() -> None:
    legacy = {event_id: both.legacy.name for (_, event_id), both in REMOTE.events.items() if both.legacy}
    assert sorted(legacy) == list(range(16))
    assert legacy[0] == "DOMAIN_EVENT_LIFECYCLE"


def test_event_payloads() -> None:
    dom = ("a", bytes(16), 1)
    lifecycle = REMOTE.events["domain", 0]
    assert lifecycle.callback.decode_msg(lifecycle.encode(3, dom, (2, 1))) == (3, dom, 2, 1)
    wakeup = REMOTE.events["domain", 11]
    assert wakeup.callback.decode_msg(wakeup.encode(3, dom, ())) == (3, 0, dom)


def one(name: str) -> Procedure:
    return REMOTE.by_name[name]


@pytest.mark.parametrize(
    ("name", "access"),
    [
        ("DOMAIN_CREATE", WriteAccess()),
        ("DOMAIN_GET_INFO", None),
        ("DOMAIN_GET_XML_DESC", WriteAccess(1, bits=9, secure=True)),
        ("DOMAIN_SNAPSHOT_GET_XML_DESC", WriteAccess(1, bits=1, secure=True)),
        ("DOMAIN_GET_VCPUS_FLAGS", WriteAccess(1, bits=8)),
        ("DOMAIN_INTERFACE_ADDRESSES", WriteAccess(1, value=1)),
    ],
)
def test_write_access(name: str, access: WriteAccess | None) -> None:
    assert one(name).write_access == access


def test_streams() -> None:
    streams = {p.name: (p.stream, p.sparse_flag) for p in REMOTE.by_name.values() if p.kind == "stream"}
    assert streams == {
        "DOMAIN_MIGRATE_PREPARE_TUNNEL": ("write", 0),
        "DOMAIN_MIGRATE_PREPARE_TUNNEL3": ("write", 0),
        "DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS": ("write", 0),
        "DOMAIN_OPEN_CHANNEL": ("both", 0),
        "DOMAIN_OPEN_CONSOLE": ("both", 0),
        "DOMAIN_SCREENSHOT": ("read", 0),
        "STORAGE_VOL_DOWNLOAD": ("read", 1),
        "STORAGE_VOL_UPLOAD": ("write", 1),
    }


def test_descriptors() -> None:
    assert {p.name: p.fds for p in ALL if p.fds} == {
        "DOMAIN_OPEN_GRAPHICS": "in",
        "DOMAIN_CREATE_XML_WITH_FILES": "in",
        "DOMAIN_CREATE_WITH_FILES": "in",
        "DOMAIN_OPEN_GRAPHICS_FD": "out",
        "DOMAIN_FD_ASSOCIATE": "in",
        "DOMAIN_MONITOR_COMMAND_WITH_FILES": "both",
        "DOMAIN_OPEN_NAMESPACE": "out",
    }


@pytest.mark.parametrize("line", ["nonsense X Y", "1 NAME virApi (a: int", "struct s (a: unknown)"])
def test_wrong_tables_are_refused(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wrong.tbl").write_text(line + "\n")
    monkeypatch.setattr("virtd.wire.table.TABLES", tmp_path)
    with pytest.raises((ValueError, KeyError)):
        load_table("wrong")
