# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the end of a block job does to a disk's XML."""

from __future__ import annotations

import pytest

from conf.binding import FormatOptions, ParseOptions, format_document, parse_document
from conf.binding.reading import read
from conf.domain import Domain, parse_domain
from conf.domain.devices.disk import Disk
from drivers.common.images import changes
from drivers.common.images.jobkinds import JobKind
from drivers.common.images.layers import chain
from drivers.qemu.block.state import BlockJob

LIVE = ParseOptions(inactive=False, status=True)


def disk(xml: str) -> Disk:
    return read(Disk, parse_document(xml, "disk", what="disk_definition"), LIVE)


def store(name: str, index: int, below: str) -> str:
    return f"<backingStore type='file' index='{index}'><format type='qcow2'/><source file='/{name}'/>{below}</backingStore>"


def three_images(mirror: str = "") -> Disk:
    below = store("mid", 2, store("base", 3, "<backingStore/>"))
    return disk(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>"
        f"<source file='/top' index='1' startupPolicy='optional'/>{below}{mirror}<target dev='vda' bus='virtio'/></disk>"
    )


def mirror(below: str, job: str = "copy") -> str:
    return f"<mirror type='file' job='{job}' ready='yes'><format type='raw'/><source file='/copy' index='9'/>{below}</mirror>"


def places(one: Disk) -> list[tuple[str | None, int, str]]:
    return [(layer.path, layer.index, layer.format) for layer in chain(one)]


MID, BASE = ("/mid", 2, "qcow2"), ("/base", 3, "qcow2")


def test_a_full_copy_stands_alone() -> None:
    one = three_images(mirror("<backingStore/>"))
    before = changes.images(one)
    assert [layer.index for layer in before] == [1, 2, 3, 9]
    changes.to_copy(one)
    assert places(one) == [("/copy", 9, "raw")]
    assert [layer.index for layer in changes.gone(before, one)] == [1, 2, 3]
    assert one.mirror is None
    assert one.source is not None
    assert one.source.startup_policy == "optional"
    assert one.driver is not None
    assert one.driver.cache == "none"


def test_a_shallow_copy_keeps_what_is_below() -> None:
    one = three_images(mirror(""))
    before = changes.images(one)
    changes.to_copy(one)
    assert places(one) == [("/copy", 9, "raw"), MID, BASE]
    assert [layer.index for layer in changes.gone(before, one)] == [1]


def test_an_active_commit_moves_to_the_base() -> None:
    one = three_images(mirror("", "active-commit"))
    before = changes.images(one)
    assert [layer.index for layer in before] == [1, 2, 3]
    changes.to_base(one, 3)
    assert places(one) == [BASE]
    assert [layer.index for layer in changes.gone(before, one)] == [1, 2]


def test_a_commit_takes_images_out_of_the_middle() -> None:
    one = three_images()
    before = changes.images(one)
    changes.committed(one, 2, 3)
    assert places(one) == [("/top", 1, "qcow2"), BASE]
    assert [layer.index for layer in changes.gone(before, one)] == [2]


@pytest.mark.parametrize(("base", "left"), [(None, []), (3, [BASE])])
def test_a_pull_takes_in_what_is_below(base: int | None, left: list[tuple[str, int, str]]) -> None:
    one = three_images()
    changes.pulled(one, 1, base)
    assert places(one) == [("/top", 1, "qcow2"), *left]
    assert one.backing_store is not None


def test_an_image_that_is_not_there() -> None:
    with pytest.raises(LookupError):
        changes.holder(three_images(), 7)


def domain(disk_xml: str) -> Domain:
    return parse_domain(
        "<domain type='kvm'><name>a</name><memory>1024</memory><os><type>hvm</type></os>"
        f"<devices>{disk_xml}</devices></domain>"
    )


STORED = (
    "<disk type='file' device='disk'><driver type='qcow2'/><source file='{}'/><target dev='{}' bus='virtio'/></disk>"
)


@pytest.mark.parametrize(
    ("path", "target", "found"), [("/top", "vda", True), ("/other", "vda", False), ("/top", "vdb", False)]
)
def test_the_stored_disk_is_the_one_with_the_same_image(path: str, target: str, found: bool) -> None:
    stored = domain(STORED.format(path, target))
    assert (changes.stored_disk(stored, three_images()) is not None) == found


def test_no_stored_definition_has_no_disk() -> None:
    assert changes.stored_disk(None, three_images()) is None


def test_the_stored_disk_follows_a_pivot() -> None:
    live = three_images(mirror(""))
    stored = changes.stored_disk(domain(STORED.format("/top", "vda")), live)
    assert stored is not None
    changes.SUCCESS[JobKind.COPY](live, BlockJob("j", JobKind.COPY, "vda", 1))
    assert changes.follow(stored, live, JobKind.COPY)
    xml = format_document(stored, "disk", FormatOptions())
    assert "<source file='/copy'/>" in xml
    assert "index=" not in xml
    assert [layer.path for layer in chain(stored)] == ["/copy", "/mid", "/base"]
    # Nothing is shared: the stored definition does not change with the running one.
    assert stored.source is not live.source
    assert stored.backing_store is not live.backing_store


def test_a_stored_chain_follows_a_pull_only_where_one_is_stored() -> None:
    live = three_images()
    stored = changes.stored_disk(domain(STORED.format("/top", "vda")), live)
    assert stored is not None
    changes.pulled(live, 1, None)
    assert not changes.follow(stored, live, JobKind.PULL)
    stored = three_images()
    assert changes.follow(stored, live, JobKind.PULL)
    assert len(chain(stored)) == 1


@pytest.mark.parametrize(
    ("kind", "top", "base"), [(JobKind.ACTIVE_COMMIT, 1, 2), (JobKind.COMMIT, 2, 3), (JobKind.PULL, 1, 3)]
)
def test_what_was_found_stays_found(kind: JobKind, top: int, base: int) -> None:
    """The definition named no image below the top one, and names none when a job has changed what is there."""
    one = three_images()
    assert one.backing_store is not None
    one.backing_store.found = True
    changes.SUCCESS[kind](one, BlockJob("j", kind, "vda", top, base))
    assert one.backing_store.source is not None
    assert one.backing_store.found
