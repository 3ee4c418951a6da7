# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of `<tpm>`."""

from __future__ import annotations

from conf.domain import Domain
from conf.domain.devices.tpm import TPM
from drivers.qemu import machines
from drivers.qemu.validate.complaints import unsupported
from drivers.qemu.validate.question import Question

#: Model → names of the device in QEMU, of which one must be there.
_DEVICES = {
    "tpm-tis": ("tpm-tis", "tpm-tis-device"),
    "tpm-crb": ("tpm-crb",),
    "tpm-spapr": ("tpm-spapr",),
    "spapr-tpm-proxy": ("spapr-tpm-proxy",),
}


def check_tpm(tpm: TPM, question: Question) -> None:
    """Raise VirtError for a TPM that QEMU does not have."""
    if tpm.backend.type == "emulator" and tpm.backend.version == "1.2":
        if tpm.model == "tpm-crb":
            raise unsupported("Unsupported interface 'tpm-crb' for TPM 1.2")
        if tpm.model == "tpm-spapr":
            raise unsupported("TPM 1.2 is not supported with the SPAPR device model")
        if machines.is_arm(question.domain):
            raise unsupported("TPM 1.2 is not supported on ARM")
    if tpm.model == "tpm-crb" and machines.is_arm(question.domain):
        raise unsupported("CRB device model is not supported on ARM")
    if tpm.model == "spapr-tpm-proxy" and tpm.backend.type != "passthrough":
        raise unsupported("TPM Proxy model spapr-tpm-proxy requires 'Passthrough' backend")
    names = _DEVICES.get(tpm.model or "", ())
    if names and not any(question.emulator.has_device(name) for name in names):
        raise unsupported(f"The QEMU executable {question.emulator.path} does not support TPM model {tpm.model}")


def check_tpms(domain: Domain) -> None:
    """Raise VirtError for more than one TPM and one proxy."""
    proxies = sum(1 for tpm in domain.devices.tpms if tpm.model == "spapr-tpm-proxy")
    if proxies > 1:
        raise unsupported("only a single TPM Proxy device is supported")
    if len(domain.devices.tpms) - proxies > 1:
        raise unsupported("only a single TPM non-proxy device is supported")
