# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's programs: how they end, and what is said of it."""

from __future__ import annotations

import pytest

from virtd.errors import Code, VirtError
from virtd.host.command import run


async def test_a_program_that_succeeds() -> None:
    assert await run("echo", "done", seconds=10) == b"done\n"


@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (
            ("sh", "-c", "echo no >&2; exit 3"),
            Code.INTERNAL_ERROR,
            r"Child process \(.*\) unexpected exit status 3: no",
        ),
        (("sh", "-c", "kill -9 $$"), Code.INTERNAL_ERROR, "unexpected fatal signal 9"),
        (("no-such-program",), Code.SYSTEM_ERROR, "Cannot find 'no-such-program' in path"),
        (("sleep", "60"), Code.OPERATION_TIMEOUT, "sleep 60 takes too long"),
    ],
)
async def test_programs_that_fail(argv: tuple[str, ...], code: Code, text: str) -> None:
    with pytest.raises(VirtError, match=text) as caught:
        await run(*argv, seconds=0.5 if argv[0] == "sleep" else 20)
    assert caught.value.code == code
