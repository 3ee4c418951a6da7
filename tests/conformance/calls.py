# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls to a guest, as a table: which function, how the binding says it, and what of it every driver has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.conformance.client import Remote

LIVE, CONFIG = 1, 2
UNKNOWN_FLAG = 1 << 30


@dataclass(frozen=True)
class Call:
    """`method` with `args` is the binding's form of the API's `function`.

    Attributes:
        active: it needs a guest that runs.
        changes: it is refused on connections for reading only.
        flags: the position of an argument that holds flags.
    """

    function: str
    method: str
    args: tuple[Any, ...] = ()
    active: bool = True
    changes: bool = True
    flags: int | None = None

    def __call__(self, guest: Remote) -> Any:
        return getattr(guest, self.method)(*self.args)

    def with_unknown_flag(self, guest: Remote) -> Any:
        """The same call with a flag that nobody has."""
        assert self.flags is not None
        args = list(self.args)
        args[self.flags] |= UNKNOWN_FLAG
        return getattr(guest, self.method)(*args)


CALLS = (
    Call("virDomainSuspend", "suspend"),
    Call("virDomainResume", "resume"),
    Call("virDomainShutdown", "shutdown"),
    Call("virDomainShutdownFlags", "shutdownFlags", (0,), flags=0),
    Call("virDomainReboot", "reboot", (0,), flags=0),
    Call("virDomainReset", "reset", (0,), flags=0),
    Call("virDomainDestroy", "destroy"),
    Call("virDomainDestroyFlags", "destroyFlags", (0,), flags=0),
    Call("virDomainSave", "save", ("/nowhere/image",)),
    Call("virDomainSaveFlags", "saveFlags", ("/nowhere/image", None, 0), flags=2),
    Call("virDomainManagedSave", "managedSave", (0,), flags=0),
    Call("virDomainCoreDump", "coreDump", ("/nowhere/core", 0), flags=1),
    Call("virDomainSetMemory", "setMemory", (16384,)),
    Call("virDomainSetMemoryFlags", "setMemoryFlags", (16384, LIVE), flags=1),
    Call("virDomainSetVcpus", "setVcpus", (1,)),
    Call("virDomainSetVcpusFlags", "setVcpusFlags", (1, LIVE), flags=1),
    Call("virDomainSetMetadata", "setMetadata", (1, "t", None, None, LIVE), flags=4),
    Call("virDomainSendKey", "sendKey", (0, 0, [1], 1, 0), flags=4),
    Call("virDomainInjectNMI", "injectNMI", (0,), flags=0),
    Call("virDomainPMSuspendForDuration", "pMSuspendForDuration", (0, 0, 0), flags=2),
    Call("virDomainPMWakeup", "pMWakeup", (0,), flags=0),
    Call("virDomainAbortJob", "abortJob"),
    Call("virDomainGetJobInfo", "jobInfo", changes=False),
    Call("virDomainGetJobStats", "jobStats", (0,), changes=False, flags=0),
    Call("virDomainMemoryStats", "memoryStats", changes=False),
    Call("virDomainGetControlInfo", "controlInfo", (0,), changes=False, flags=0),
    Call("virDomainGetCPUStats", "getCPUStats", (True, 0), changes=False, flags=1),
    Call("virDomainInterfaceStats", "interfaceStats", ("vnet0",), changes=False),
    Call("virDomainBlockStats", "blockStats", ("vda",), changes=False),
    Call("virDomainGetState", "state", (0,), active=False, changes=False, flags=0),
    Call("virDomainGetInfo", "info", active=False, changes=False),
    Call("virDomainGetXMLDesc", "XMLDesc", (0,), active=False, changes=False, flags=0),
    Call("virDomainIsActive", "isActive", active=False, changes=False),
    Call("virDomainIsPersistent", "isPersistent", active=False, changes=False),
    Call("virDomainIsUpdated", "isUpdated", active=False, changes=False),
    Call("virDomainGetOSType", "OSType", active=False, changes=False),
    Call("virDomainGetMaxMemory", "maxMemory", active=False, changes=False),
    Call("virDomainGetAutostart", "autostart", active=False, changes=False),
    Call("virDomainSetAutostart", "setAutostart", (1,), active=False),
    Call("virDomainGetMetadata", "metadata", (1, None, 0), active=False, changes=False, flags=2),
    Call("virDomainHasManagedSaveImage", "hasManagedSaveImage", (0,), active=False, changes=False, flags=0),
    Call("virDomainManagedSaveRemove", "managedSaveRemove", (0,), active=False, flags=0),
    Call("virDomainRename", "rename", ("other", 0), active=False, flags=1),
    Call("virDomainGetVcpusFlags", "vcpusFlags", (CONFIG,), active=False, changes=False, flags=0),
    Call("virDomainSetMaxMemory", "setMaxMemory", (65536,), active=False),
    Call("virDomainGetSchedulerType", "schedulerType", active=False, changes=False),
    Call("virDomainGetMessages", "messages", (0,), active=False, changes=False, flags=0),
    Call("virDomainSnapshotNum", "snapshotNum", (0,), active=False, changes=False, flags=0),
    Call("virDomainListAllSnapshots", "listAllSnapshots", (0,), active=False, changes=False, flags=0),
    Call("virDomainListAllCheckpoints", "listAllCheckpoints", (0,), active=False, changes=False, flags=0),
    Call("virDomainCreate", "create", active=False),
    Call("virDomainCreateWithFlags", "createWithFlags", (0,), active=False, flags=0),
    Call("virDomainUndefine", "undefine", active=False),
    Call("virDomainUndefineFlags", "undefineFlags", (0,), active=False, flags=0),
)
