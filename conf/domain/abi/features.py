# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest sees of the machine's features.  These messages name the old value first."""

from __future__ import annotations

from conf.binding import Scale
from conf.domain.abi.compare import Check, Getter, check_all, number, path, refuse, same, switch, word
from conf.domain.domain import Domain
from conf.domain.features import Features

_STATE = "State of feature '{}' differs: source: '{}', destination: '{}'"


def _feature(name: str, of: Getter, form: str = "%s") -> Check:
    """A feature in a message of the form `form`."""
    return same(_STATE.format(name, form, form), of, old_first=True)


def _there(of: str) -> Getter:
    """A getter for features whose mere presence switches them on."""
    get = path(of)
    return lambda features: "on" if get(features) not in (None, False) else "default"


def _hyperv(features: Features) -> str:
    if features.hyperv is None:
        return "default"
    # The two modes are shown as if they were the two states of a switch.
    return "on" if features.hyperv.mode == "custom" else "off"


def _with(name: str, state: Getter, option: str, value: Getter) -> Getter:
    return lambda features: f"{state(features)},{option}={value(features)}"


def _only(option: str, value: Getter) -> Getter:
    return lambda features: f"{option}={value(features)}"


def _hpt(features: Features) -> str:
    resizing, size = word("hpt.resizing", "none"), number("hpt.maxpagesize")
    return f"{_there('hpt')(features)},resizing={resizing(features)},maxpagesize={size(features)}"


_FEATURES: tuple[Check, ...] = (
    _feature("acpi", _there("acpi")),
    _feature("apic", _with("apic", _there("apic"), "eoi", switch("apic.eoi"))),
    *(_feature(name, _there(name)) for name in ("pae", "viridian", "privnet")),
    _feature("hap", switch("hap.state")),
    _feature("hyperv", _hyperv),
    _feature("kvm", _there("kvm")),
    _feature("pvspinlock", switch("pvspinlock.state")),
    _feature("capabilities", _only("policy", word("capabilities.policy"))),
    _feature("pmu", switch("pmu.state")),
    _feature("vmport", switch("vmport.state")),
    _feature("gic", _with("gic", _there("gic"), "version", word("gic.version", "none"))),
    _feature("smm", switch("smm.state")),
    _feature("ioapic", _only("driver", word("ioapic.driver", "none"))),
    _feature("hpt", _hpt),
    _feature("vmcoreinfo", switch("vmcoreinfo.state")),
    _feature("htm", switch("htm.state")),
    _feature("nested-hv", switch("nested_hv.state")),
    _feature("ccf-assist", switch("ccf_assist.state")),
    _feature("xen", _there("xen")),
    *(_feature(name, _only("value", word(f"{name}.value", "none"))) for name in ("cfpc", "sbbc", "ibs")),
)


def _differs(what: str, of: Getter) -> Check:
    return same(f"{what} differs: source: '%s', destination: '%s'", of, old_first=True)


def _state(kind: str, group: str, name: str) -> Check:
    return _differs(f"State of {kind} feature '{name}'", switch(f"{group}.{name.replace('-', '_')}.state"))


def _states(kind: str, group: str, *names: str) -> tuple[Check, ...]:
    return tuple(_state(kind, group, name) for name in names)


_HYPERV = (
    *_states("HyperV enlightenment", "hyperv", "relaxed", "vapic"),
    _differs("HyperV spinlock retry count", number("hyperv.spinlocks.retries")),
    *_states("HyperV enlightenment", "hyperv", "vpindex", "runtime", "synic", "stimer", "reset"),
    _differs("HyperV vendor_id", word("hyperv.vendor_id.value", "(null)")),
    *_states("HyperV enlightenment", "hyperv", "frequencies", "reenlightenment", "tlbflush", "ipi", "evmcs", "avic"),
    _differs("State of HyperV stimer direct feature", switch("hyperv.stimer.direct.state")),
)
_XEN = (
    *_states("Xen", "xen", "e820_host", "passthrough"),
    _differs("'mode' of Xen passthrough feature", word("xen.passthrough.mode")),
)
_KVM = (
    *_states("KVM", "kvm", "hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring"),
    # The feature's name is missing in libvirt's message, too.
    _differs("dirty ring size of KVM feature '(null)'", number("kvm.dirty_ring.size")),
)


def _tseg(old: Features, new: Features) -> None:
    """Check the size of system management mode's memory."""
    before, after = path("smm.tseg")(old), path("smm.tseg")(new)
    if (before is None) != (after is None):
        said = {True: "not specified", False: "specified"}
        refuse("SMM TSEG differs: source: %s, destination: '%s'", said[before is None], said[after is None])
    if before != after:
        refuse("Size of SMM TSEG size differs: source: '%s', destination: '%s'", _pretty(before), _pretty(after))


def _pretty(size: int) -> str:
    """Bytes in the largest unit that needs no fraction."""
    return "{} {}".format(*Scale("B", pretty=True).written(size))


def features(old: Domain, new: Domain) -> None:
    """Check the features of two machines; members of a group only if the old one has the group."""
    before, after = old.features or Features(), new.features or Features()
    check_all(_FEATURES, before, after)
    for group, checks in ((before.hyperv, _HYPERV), (before.xen, _XEN), (before.kvm, _KVM)):
        if group is not None:
            check_all(checks, before, after)
    _tseg(before, after)
