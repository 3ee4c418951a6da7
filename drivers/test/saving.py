# SPDX-License-Identifier: LGPL-2.1-or-later
"""Saved guests and core dumps.

The files are those of the make-believe host: they are in memory, so that nobody has the daemon write where he could
not write himself.
"""

from __future__ import annotations

import errno
import os

from conf.domain import Domain, format_domain
from drivers.test.base import DomainPart
from drivers.test.defaults import prepare
from drivers.test.guest import TestGuest
from drivers.test.work import Saved
from virtd.enums import (
    DomainCoreDumpFlags,
    DomainCoreDumpFormat,
    DomainEventStartedDetailType,
    DomainEventStoppedDetailType,
    DomainRunningReason,
    DomainShutoffReason,
    DomainState,
    DomainXMLFlags,
)
from virtd.enums import DomainSaveRestoreFlags as Save
from virtd.enums import TypedParameterType as T
from virtd.errors import Code, VirtError, check_flags, invalid_arg, operation_invalid
from virtd.params import TypedParam, validate_params
from virtd.refs import DomainRef

_SAVE = Save.BYPASS_CACHE | Save.RUNNING | Save.PAUSED
_DUMP = (
    DomainCoreDumpFlags.CRASH
    | DomainCoreDumpFlags.LIVE
    | DomainCoreDumpFlags.BYPASS_CACHE
    | DomainCoreDumpFlags.RESET
    | DomainCoreDumpFlags.MEMORY_ONLY
)
_PARAMS = {"file": T.STRING, "dxml": T.STRING}


class SavingApi(DomainPart):
    """virDomainSave…, virDomainRestore…, virDomainSaveImage…, virDomainManagedSave…, virDomainCoreDump…."""

    def domain_save_flags(self, dom: DomainRef, to: str, dxml: str | None, flags: int) -> None:
        """virDomainSaveFlags."""
        check_flags(flags, _SAVE, "testDomainSaveFlags")
        guest = self._running(dom)
        self.world.files[to] = _saved(guest, None if dxml is None else prepare(dxml), flags)
        _stop(guest)

    def domain_save_params(self, dom: DomainRef, params: list[TypedParam], flags: int) -> None:
        """virDomainSaveParams."""
        given = validate_params(params, _PARAMS)
        if "file" not in given:
            raise operation_invalid("managed save is not supported by this function")
        self.domain_save_flags(dom, str(given["file"]), _text(given.get("dxml")), flags)

    def domain_restore_flags(self, from_: str, dxml: str | None, flags: int) -> None:
        """virDomainRestoreFlags."""
        check_flags(flags, _SAVE, "testDomainRestoreFlags")
        saved = self._image(from_)
        image = saved.definition if dxml is None else prepare(dxml)
        guest = self.guests.place(image, to_run=True)
        if guest is None:
            guest = TestGuest(self.world, image)
            self.guests.add(guest)
        details = DomainEventStartedDetailType
        paused = _is_paused(flags, saved.paused)
        guest.enter(image, DomainRunningReason.RESTORED, details.RESTORED, paused=paused)

    def domain_restore_params(self, params: list[TypedParam], flags: int) -> None:
        """virDomainRestoreParams."""
        given = validate_params(params, _PARAMS)
        if "file" not in given:
            raise invalid_arg("missing path to saved image")
        self.domain_restore_flags(str(given["file"]), _text(given.get("dxml")), flags)

    def domain_save_image_get_xml_desc(self, file: str, flags: int) -> str:
        """virDomainSaveImageGetXMLDesc."""
        check_flags(flags, DomainXMLFlags.SECURE, "testDomainSaveImageGetXMLDesc")
        return format_domain(self._image(file).definition, secure=bool(flags))

    def domain_save_image_define_xml(self, file: str, dxml: str, flags: int) -> None:
        """virDomainSaveImageDefineXML."""
        check_flags(flags, Save.RUNNING | Save.PAUSED, "testDomainSaveImageDefineXML")
        saved = self._image(file)
        self.world.files[file] = Saved(prepare(dxml), _is_paused(flags, saved.paused))

    def _image(self, path: str) -> Saved:
        found = self.world.files.get(path)
        if found is None:
            number = errno.ENOENT
            text = f"cannot read domain image '{path}': {os.strerror(number)}"
            raise VirtError(Code.SYSTEM_ERROR, text, ints=(number, -1))
        return found

    # -- managed save: the host keeps the image

    def domain_managed_save(self, dom: DomainRef, flags: int) -> None:
        """virDomainManagedSave."""
        check_flags(flags, _SAVE, "testDomainManagedSave")
        guest = self._running(dom)
        if guest.persistent is None:
            raise operation_invalid("cannot do managed save for transient domain")
        guest.saved = _saved(guest, None, flags)
        _stop(guest)

    def domain_has_managed_save_image(self, dom: DomainRef, flags: int) -> int:
        """virDomainHasManagedSaveImage."""
        check_flags(flags, 0, "testDomainHasManagedSaveImage")
        return int(self._guest(dom).has_managed_save)

    def domain_managed_save_remove(self, dom: DomainRef, flags: int) -> None:
        """virDomainManagedSaveRemove."""
        check_flags(flags, 0, "testDomainManagedSaveRemove")
        self._guest(dom).saved = None

    def domain_managed_save_get_xml_desc(self, dom: DomainRef, flags: int) -> str:
        """virDomainManagedSaveGetXMLDesc."""
        check_flags(flags, DomainXMLFlags.SECURE, "testDomainManagedSaveGetXMLDesc")
        return format_domain(self._managed(dom).definition, secure=bool(flags))

    def domain_managed_save_define_xml(self, dom: DomainRef, dxml: str, flags: int) -> None:
        """virDomainManagedSaveDefineXML."""
        check_flags(flags, Save.RUNNING | Save.PAUSED, "testDomainManagedSaveDefineXML")
        saved, guest = self._managed(dom), self._guest(dom)
        guest.saved = Saved(_same_guest(guest, prepare(dxml)), _is_paused(flags, saved.paused))

    def _managed(self, dom: DomainRef) -> Saved:
        saved = self._guest(dom).saved
        if saved is None:
            raise operation_invalid("domain does not have managed save image")
        return saved

    # -- core dumps

    def domain_core_dump_with_format(self, dom: DomainRef, to: str, dumpformat: int, flags: int) -> None:
        """virDomainCoreDumpWithFormat: nothing is left of the dump but what it does to the guest."""
        check_flags(flags, _DUMP, "testDomainCoreDumpWithFormat")
        guest = self._running(dom)
        if dumpformat != DomainCoreDumpFormat.RAW:
            text = "kdump-compressed format is not supported here"
            raise VirtError(Code.OPERATION_UNSUPPORTED, text)
        if flags & DomainCoreDumpFlags.CRASH:
            guest.end(DomainShutoffReason.CRASHED, DomainEventStoppedDetailType.CRASHED)
        elif flags & DomainCoreDumpFlags.RESET:
            guest.reboot()


def _stop(guest: TestGuest) -> None:
    guest.end(DomainShutoffReason.SAVED, DomainEventStoppedDetailType.SAVED)


def _saved(guest: TestGuest, given: Domain | None, flags: int) -> Saved:
    """A running guest as it is now, to go on with another definition if one is given."""
    live = guest.require_active()
    definition = live.model_copy(deep=True) if given is None else _same_guest(guest, given)
    return Saved(definition, _is_paused(flags, guest.state == DomainState.PAUSED))


def _is_paused(flags: int, otherwise: bool) -> bool:
    """Whether a guest is to be paused when it comes back."""
    return bool(flags & Save.PAUSED) or (otherwise and not flags & Save.RUNNING)


def _same_guest(guest: TestGuest, given: Domain) -> Domain:
    """A definition to go on with, which must be one of this guest.

    Raises:
        VirtError: CONFIG_UNSUPPORTED.
    """
    for what, mine, other in (("name", guest.name, given.name), ("uuid", guest.definition.uuid, given.uuid)):
        if mine != other:
            text = f"Target domain {what} '{other}' does not match source '{mine}'"
            raise VirtError(Code.CONFIG_UNSUPPORTED, text)
    return given


def _text(value: object) -> str | None:
    return None if value is None else str(value)
