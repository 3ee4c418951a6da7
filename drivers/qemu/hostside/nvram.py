# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file in which a guest's firmware keeps its variables: a copy of the image's template, made once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from conf.domain import Domain
from drivers.qemu.capabilities.firmware import load_firmwares
from virtd.errors import Code, VirtError
from virtd.store.files import write_atomic


def make(domain: Domain, configured: Iterable[str], *, reset: bool = False) -> None:
    """Make the file if the guest needs one and has none.  Blocks.

    Args:
        configured: `nvram` of qemu.conf, "image:template" each.
        reset: make it anew even if it is there.

    Raises:
        VirtError: OPERATION_FAILED, no template is known; SYSTEM_ERROR, it cannot be copied.
    """
    path = variables_path(domain)
    if path is None or (path.exists() and not reset):
        return
    assert domain.os.nvram is not None
    template = domain.os.nvram.template = _template(domain, configured)
    try:
        write_atomic(path, Path(template).read_bytes())
    except OSError as error:
        text = f"Failed to create file '{path}' from '{template}': {error.strerror}"
        raise VirtError(Code.SYSTEM_ERROR, text) from error


def variables_path(domain: Domain) -> Path | None:
    """Where a guest's variables are kept, if they are in a file."""
    loader, nvram = domain.os.loader, domain.os.nvram
    if loader is None or loader.type != "pflash" or nvram is None:
        return None
    path = nvram.path or (nvram.source.file if nvram.source is not None else None)
    return Path(path) if path else None


def _template(domain: Domain, configured: Iterable[str]) -> str:
    """What the XML names, else what belongs to the image."""
    nvram, image = domain.os.nvram, domain.os.loader.path if domain.os.loader else None
    if nvram is not None and nvram.template:
        return nvram.template
    for pair in configured:
        code, _, template = pair.partition(":")
        if code == image and template:
            return template
    for firmware in load_firmwares():
        if firmware.executable == image and firmware.nvram_template:
            return firmware.nvram_template
    raise VirtError(Code.OPERATION_FAILED, f"unable to find any master var store for loader: {image}")
