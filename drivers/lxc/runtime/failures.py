# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why a container did not start: what libvirt's controller finds out comes to clients as one kind of error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from virtd.errors import Code, VirtError


@contextmanager
def of_start() -> Iterator[None]:
    """Errors within are the controller's.

    Raises:
        VirtError: INTERNAL_ERROR, with the whole text of the one that was raised within.
    """
    try:
        yield
    except VirtError as error:
        raise VirtError(Code.INTERNAL_ERROR, f"guest failed to start: {error.message}") from error
