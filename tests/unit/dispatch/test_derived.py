# SPDX-License-Identifier: LGPL-2.1-or-later
"""Old functions are put to newer ones with as many arguments as those take."""

from __future__ import annotations

import pytest

from virtd.dispatch import driver_procedures, method_name
from virtd.dispatch.derived import DERIVED
from virtd.dispatch.irregular import adaptor
from virtd.refs import DomainRef, SecretRef

PARAMETERS = {method_name(procedure): adaptor(procedure).parameters for procedure in driver_procedures()}


@pytest.mark.parametrize("name", DERIVED)
def test_arguments_fit(name: str) -> None:
    newer = DERIVED[name].newer
    assert len(DERIVED[name].arguments(*range(PARAMETERS[name]))) == PARAMETERS[newer]


async def test_asynchronous_if_the_newer_is() -> None:
    async def later(dom: str, flags: int) -> str:
        return f"{dom} {flags}"

    assert await DERIVED["domain_create"].method(later)("a") == "a 0"
    assert DERIVED["domain_create"].method(lambda dom, flags: dom)("a") == "a"


def test_results_in_the_old_form() -> None:
    domains = [DomainRef("a", bytes(16), 3), DomainRef("b", bytes(16), -1)]
    assert DERIVED["connect_list_domains"].result(domains) == [3, -1]
    assert DERIVED["connect_list_defined_domains"].result(domains) == ["a", "b"]
    secret = SecretRef(bytes(range(16)), 1, "x")
    assert DERIVED["connect_list_secrets"].result([secret]) == ["00010203-0405-0607-0809-0a0b0c0d0e0f"]
