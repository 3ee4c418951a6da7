# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defining, undefining, renaming; what lands on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.guests import World, guest_xml
from virtd.enums import DomainEventID, DomainXMLFlags
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, From, VirtError
from virtd.params import TypedParam


async def test_a_definition_is_stored_told_and_shown(world: World):
    ref = await world.define()
    path = world.context.paths.definitions.path("g")
    assert path.read_text().startswith("<!--\nThis file is written by virtd")
    assert world.api.domain_get_xml_desc(ref, 0) in path.read_text()
    assert world.told(DomainEventID.LIFECYCLE) == [(0, 0)]
    await world.api.domain_define_xml_flags(world.api.domain_get_xml_desc(ref, 0), 0)
    assert world.told(DomainEventID.LIFECYCLE) == [(0, 0), (0, 1)]


async def test_a_name_and_a_uuid_belong_together(world: World):
    ref = await world.define()
    uuid = world.guest(ref).definition.uuid
    with pytest.raises(VirtError, match=f"domain 'g' already exists with uuid {uuid}"):
        await world.define(guest_xml("g", extra="<uuid>11111111-2222-3333-4444-555555555555</uuid>"))
    with pytest.raises(VirtError, match="domain 'g' is already defined with uuid"):
        await world.define(guest_xml("other", extra=f"<uuid>{uuid}</uuid>"))


async def test_a_definition_that_cannot_be_written_is_not_there(world: World):
    folder = world.context.paths.config
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    with pytest.raises(VirtError) as caught:
        await world.define()
    assert caught.value.code == Code.SYSTEM_ERROR
    assert list(world.context.guests) == []


async def test_undefining_a_running_guest_makes_it_transient(world: World):
    ref = await world.define()
    await world.run(ref)
    await world.api.domain_undefine_flags(ref, 0)
    assert world.api.domain_is_persistent(ref) == 0
    assert world.api.domain_is_active(ref) == 1
    with pytest.raises(VirtError, match="cannot undefine transient domain"):
        await world.api.domain_undefine_flags(ref, 0)


async def test_undefining_forgets_files_and_guest(world: World):
    ref = await world.define()
    await world.api.domain_set_autostart(ref, 1)
    assert world.context.paths.definitions.autostart_link("g").is_symlink()
    await world.api.domain_undefine_flags(ref, 0)
    assert not world.context.paths.definitions.path("g").exists()
    assert not world.context.paths.definitions.autostart_link("g").is_symlink()
    with pytest.raises(VirtError) as caught:
        world.api.domain_get_xml_desc(ref, 0)
    assert caught.value.code == Code.NO_DOMAIN


async def test_a_rename_moves_file_link_and_name(world: World):
    ref = await world.define()
    await world.api.domain_set_autostart(ref, 1)
    await world.api.domain_rename(ref, "new", 0)
    paths = world.context.paths
    assert not paths.definitions.path("g").exists()
    assert "<name>new</name>" in paths.definitions.path("new").read_text()
    assert paths.definitions.autostart_link("new").resolve() == paths.definitions.path("new")
    assert not paths.definitions.autostart_link("g").is_symlink()
    assert world.api.domain_lookup_by_name("new").uuid == ref.uuid
    assert world.told(DomainEventID.LIFECYCLE)[-2:] == [(1, 1), (0, 2)]


@pytest.mark.parametrize(
    ("name", "code", "source"),
    [
        ("", Code.INVALID_ARG, From.DOMAIN),
        ("a/b", Code.XML_ERROR, None),
        ("g", Code.OPERATION_INVALID, From.DOMAIN),
        ("taken", Code.OPERATION_INVALID, From.DOMAIN),
    ],
)
async def test_names_that_a_guest_cannot_get(world: World, name: str, code: Code, source: From | None):
    ref = await world.define()
    await world.define(guest_xml("taken"))
    with pytest.raises(VirtError) as caught:
        await world.api.domain_rename(ref, name, 0)
    assert (caught.value.code, caught.value.source) == (code, source)


async def test_a_running_guest_shows_both_of_its_definitions(world: World):
    ref = await world.define()
    await world.run(ref)
    await world.define(guest_xml("g", extra=f"<uuid>{world.guest(ref).definition.uuid}</uuid><title>later</title>"))
    assert "<title>" not in world.api.domain_get_xml_desc(ref, 0)
    assert "<title>later</title>" in world.api.domain_get_xml_desc(ref, DomainXMLFlags.INACTIVE)


async def test_unknown_flags_are_refused_by_name(world: World):
    ref = await world.define()
    with pytest.raises(VirtError) as caught:
        world.api.domain_get_xml_desc(ref, 64)
    assert caught.value.message == "unsupported flags (0x40) in function qemuDomainGetXMLDesc"


async def test_the_cpu_of_the_moment_is_shown_on_demand(world: World):
    ref = await world.define(
        guest_xml("g", extra="<cpu mode='custom'><model>qemu64</model><feature policy='optional' name='vmx'/></cpu>")
    )
    assert "policy='optional' name='vmx'" in world.api.domain_get_xml_desc(ref, 0)
    updated = await world.api.domain_get_xml_desc(ref, DomainXMLFlags.UPDATE_CPU)
    assert "<feature policy='disable' name='vmx'/>" in updated
    assert "policy='optional' name='vmx'" in world.api.domain_get_xml_desc(ref, 0)
    await world.run(ref)
    assert "policy='optional'" in world.api.domain_get_xml_desc(ref, DomainXMLFlags.UPDATE_CPU)


async def test_firmware_variables_are_kept_or_removed_not_both(world: World):
    ref = await world.define()
    with pytest.raises(VirtError, match="cannot both keep and delete nvram"):
        await world.api.domain_undefine_flags(ref, 4 | 8)
    assert "<name>g</name>" in world.api.domain_get_xml_desc(ref, 0)


async def test_firmware_that_each_start_chooses_leaves_variables_too(world: World):
    xml = guest_xml("g", extra="<features><acpi/></features>").replace("<os>", "<os firmware='efi'>")
    ref = await world.define(xml)
    variables = Path(world.context.site.nvram_dir) / "g_VARS.fd"
    variables.parent.mkdir(parents=True)
    variables.touch()
    with pytest.raises(VirtError, match="cannot undefine domain with nvram"):
        await world.api.domain_undefine_flags(ref, 0)
    await world.api.domain_undefine_flags(ref, 4)
    assert not variables.exists()


async def test_devices_of_a_guest_that_does_not_run(world: World):
    """Which definition is meant is settled before other flags are looked at."""
    ref = await world.define()
    api = world.api
    for call in (api.domain_attach_device_flags, api.domain_detach_device_flags, api.domain_detach_device_alias):
        for flags, text in ((4 | 1, "domain is not running"), (4 | 2, "unsupported flags .0x4. in function qemu")):
            with pytest.raises(VirtError, match=text):
                await call(ref, "<x/>", flags)


async def test_block_jobs_of_a_guest_that_does_not_run(world: World):
    ref = await world.define()
    with pytest.raises(VirtError, match="RELATIVE is valid only with non-null base"):
        await world.api.domain_block_rebase(ref, "vda", None, 0, 16)
    with pytest.raises(VirtError, match="Relative backing during copy not supported yet") as caught:
        await world.api.domain_block_rebase(ref, "vda", "/x", 0, 16 | 8)
    assert caught.value.code == Code.ARGUMENT_UNSUPPORTED
    with pytest.raises(VirtError, match="disk 'vda' not found in domain"):
        await world.api.domain_block_commit(ref, "vda", None, None, 0, 0)
    for call in (
        world.api.domain_set_block_io_tune(ref, "vda", [TypedParam("total_bytes_sec", T.ULLONG, 1)], 2),
        world.api.domain_get_block_io_tune(ref, "vda", 2),
    ):
        with pytest.raises(VirtError, match="disk 'vda' was not found in the domain config"):
            await call


async def test_what_a_commit_names_is_looked_for_before_the_guest(world: World):
    disk = "<disk type='file' device='disk'><source file='/x'/><target dev='vda' bus='virtio'/></disk>"
    ref = await world.define(guest_xml("g", disk))
    for flags, text in ((0, "could not find base image in chain for 'vda'"), (1, "domain is not running")):
        with pytest.raises(VirtError, match=text):
            await world.api.domain_block_commit(ref, "vda", None, None, 0, flags)


async def test_an_empty_drive_is_not_copied(world: World, tmp_path: Path):
    drive = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>"
    ref = await world.define(guest_xml("g", drive))
    await world.run(ref)
    there = f"<disk type='file'><source file='{tmp_path}/copy'/>%s</disk>"
    transient = 4
    for driver in ("", "<driver type='qcow2'/>"):
        for flags, text in ((0, "failed to update capacity data"), (1, "failed to update"), (2, "missing destination")):
            with pytest.raises(VirtError, match=text):
                await world.api.domain_block_copy(ref, "sda", there % driver, [], flags | transient)
