# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the domain format has for containers: what they begin with, their namespaces, sizes of file systems in memory."""

from __future__ import annotations

import pytest

from conf.domain import format_domain, parse_domain
from conf.domain.extensions import LxcShare
from conf.errors import ConfError

NAMESPACES = (
    "xmlns:lxc='http://libvirt.org/schemas/domain/lxc/1.0' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
)
INIT = "<init>/i</init><initarg>a</initarg><initenv name='A'>b</initenv><initdir>/d</initdir><inituser>u</inituser>"
MACHINE = (
    "<loader>/l</loader><kernel>/k</kernel><dtb>/d</dtb><boot dev='hd'/><bootmenu enable='yes'/><bios useserial='yes'/>"
)


def written(system: str, rest: str = "") -> str:
    return format_domain(
        parse_domain(
            f"<domain type='lxc' {NAMESPACES}><name>c</name><memory>1024</memory><os>{system}</os>{rest}</domain>"
        )
    )


def test_a_container_begins_with_a_program():
    got = written(f"<type>exe</type>{INIT}{MACHINE}<cmdline>c</cmdline>")
    assert (
        "<initenv name='A'>b</initenv>\n    <initdir>/d</initdir>\n    <inituser>u</inituser>\n    <cmdline>c</cmdline>"
        in got
    )
    for word in ("loader", "kernel", "dtb", "boot", "bios"):
        assert f"<{word}" not in got


def test_a_machine_does_not():
    got = written(f"<type>hvm</type>{INIT}<kernel>/k</kernel>")
    assert "<kernel>/k</kernel>" in got
    assert "init" not in got


@pytest.mark.parametrize(
    ("source", "expected"),
    [("usage='10'", 10), ("usage='1500' units='bytes'", 1), ("usage='2' units='MiB'", 2048)],
)
def test_sizes_in_memory_are_whole_kibibytes(source: str, expected: int):
    filesystem = f"<devices><filesystem type='ram'><source {source}/><target dir='/t'/></filesystem></devices>"
    assert f"<source usage='{expected}' units='KiB'/>" in written("<type>exe</type>", filesystem)


@pytest.mark.parametrize("resource", ["<resource/>", "<resource><partition/></resource>"])
def test_a_resource_says_something(resource: str):
    with pytest.raises(ConfError):
        written("<type>exe</type>", resource)


def test_one_hypervisors_extensions_are_kept():
    rest = "<lxc:namespace><lxc:sharenet type='pid' value='1'/></lxc:namespace><qemu:commandline/>"
    domain = parse_domain(
        f"<domain type='lxc' {NAMESPACES}><name>c</name><memory>9</memory><os><type>exe</type></os>{rest}</domain>"
    )
    domain.keep_extensions("lxc")
    assert domain.namespaces() == ["lxc"]
    assert domain.lxc_namespace is not None
    assert domain.lxc_namespace.sharenet == LxcShare(type="pid", value="1")
    domain.keep_extensions("qemu")
    assert domain.namespaces() == []


def test_several_brackets_of_a_name_are_one():
    rest = (
        "<features><acpi/><capabilities policy='deny'><chown/></capabilities></features><cputune><shares>5</shares></cputune>"
        "<features><capabilities policy='allow'><kill/></capabilities><pae/></features>"
        "<cputune><shares>6</shares><period>1000</period></cputune>"
        "<devices><console/></devices><devices><disk><source file='/x'/><target dev='sda'/></disk></devices>"
        "<lxc:namespace><lxc:sharenet type='pid' value='1'/></lxc:namespace>"
        "<lxc:namespace><lxc:shareipc type='pid' value='2'/></lxc:namespace>"
    )
    got = written("<type>exe</type><init>/i</init>", rest)
    assert "<capabilities policy='allow'>\n      <chown state='on'/>\n      <kill state='on'/>" in got
    for word in (
        "<acpi/>",
        "<pae/>",
        "<shares>5</shares>",
        "<period>1000</period>",
        "<console",
        "<disk",
        "shareipc",
        "sharenet",
    ):
        assert word in got
    assert got.count("<features>") == 1


@pytest.mark.parametrize(
    "rest",
    ["<numatune><memory nodeset='0'/></numatune>", "<resource><partition>/a</partition></resource>"],
)
def test_of_some_elements_there_is_one(rest: str):
    with pytest.raises(ConfError, match="only one"):
        written("<type>exe</type>", rest * 2)


def test_a_namespace_that_shares_nothing_is_none():
    assert "lxc:" not in written("<type>exe</type>", "<lxc:namespace/>")
