# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest saved to a file and brought back, by the client's file or by the daemon's own."""

from __future__ import annotations

import pytest

from tests.conformance.bench import Bench, state
from tests.conformance.client import Refused, refused
from virtd.enums import DomainRunningReason, DomainSaveRestoreFlags, DomainShutoffReason, DomainState
from virtd.errors import Code

SAVED = DomainState.SHUTOFF, DomainShutoffReason.SAVED
RESTORED = DomainState.RUNNING, DomainRunningReason.RESTORED


@pytest.mark.functions("virDomainSave")
def test_save_and_restore(bench: Bench):
    guest, image = bench.start(), str(bench.folder / "image")
    guest.save(image)
    bench.told(guest, *bench.events.save)
    assert (guest.isActive(), state(guest)) == (0, SAVED)
    bench.connection.restore(image)
    bench.told(guest, *bench.events.restore)
    assert (guest.isActive(), guest.isPersistent(), state(guest)) == (1, 1, RESTORED)


@pytest.mark.functions("virDomainSave")
def test_a_transient_guest_lives_in_its_image(bench: Bench):
    guest, image = bench.start_transient(), str(bench.folder / "image")
    guest.save(image)
    with refused(Code.NO_DOMAIN):
        bench.connection.lookupByName(guest.name())
    bench.connection.restore(image)
    found = bench.connection.lookupByName(guest.name())
    assert (found.UUIDString(), found.isPersistent(), state(found)) == (guest.UUIDString(), 0, RESTORED)


@pytest.mark.functions("virDomainSave")
def test_a_guest_that_runs_is_not_restored(bench: Bench):
    guest, image = bench.start(), str(bench.folder / "image")
    guest.save(image)
    guest.create()
    with refused(Code.OPERATION_INVALID, f"domain '{guest.name()}' is already active"):
        bench.connection.restore(image)


@pytest.mark.functions("virDomainSave")
def test_what_is_no_image_is_not_restored(bench: Bench):
    path = bench.folder / "no-image"
    path.write_bytes(b"no image at all" * 100)
    path.chmod(0o666)
    with pytest.raises(Refused):  # each driver has its own code for it
        bench.connection.restore(str(path))


@pytest.mark.functions("virDomainManagedSave")
def test_managed_save(bench: Bench):
    guest = bench.start()
    assert guest.hasManagedSaveImage(0) == 0
    guest.managedSave(0)
    bench.told(guest, *bench.events.save)
    assert (guest.hasManagedSaveImage(0), state(guest)) == (1, SAVED)
    guest.create()
    bench.told(guest, *bench.events.restore)
    assert (guest.hasManagedSaveImage(0), state(guest)) == (0, RESTORED)


@pytest.mark.functions("virDomainManagedSave")
def test_a_paused_guest_comes_back_paused(bench: Bench):
    guest = bench.start()
    guest.suspend()
    guest.managedSave(0)
    guest.create()
    assert guest.state(0)[0] == DomainState.PAUSED
    guest.resume()
    assert guest.state(0)[0] == DomainState.RUNNING


@pytest.mark.functions("virDomainManagedSave")
def test_an_image_that_is_removed_is_no_matter_any_more(bench: Bench):
    guest = bench.start()
    guest.managedSave(0)
    guest.managedSaveRemove(0)
    assert guest.hasManagedSaveImage(0) == 0
    guest.create()
    assert state(guest) == (DomainState.RUNNING, DomainRunningReason.BOOTED)


@pytest.mark.functions("virDomainManagedSave")
def test_a_definition_with_an_image_is_not_undefined_by_mistake(bench: Bench):
    guest = bench.start()
    guest.managedSave(0)
    with refused(Code.OPERATION_INVALID, "Refusing to undefine while domain managed save image exists"):
        guest.undefine()
    guest.undefineFlags(1)
    with refused(Code.NO_DOMAIN):
        guest.state(0)


@pytest.mark.functions("virDomainManagedSave")
def test_a_transient_guest_has_no_managed_save(bench: Bench):
    guest = bench.start_transient()
    with refused(Code.OPERATION_INVALID, "cannot do managed save for transient domain"):
        guest.managedSave(0)
    assert state(guest) == (DomainState.RUNNING, DomainRunningReason.BOOTED)


@pytest.mark.functions("virDomainSave")
def test_a_guest_is_restored_paused(bench: Bench):
    guest, image = bench.start(), str(bench.folder / "image")
    guest.save(image)
    bench.connection.restoreFlags(image, None, DomainSaveRestoreFlags.PAUSED)
    assert guest.state(0)[0] == DomainState.PAUSED
    guest.resume()
    assert guest.state(0)[0] == DomainState.RUNNING
