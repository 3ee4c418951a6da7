# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees of snapshots."""

from __future__ import annotations

import pytest

from conf.snapshot import Snapshot
from drivers.common.moments import Moments
from virtd.errors import Code, VirtError


@pytest.fixture
def tree() -> Moments[Snapshot]:
    """a - b - c, and d after a."""
    found: Moments[Snapshot] = Moments("snapshot", Code.NO_DOMAIN_SNAPSHOT)
    for name in ("a", "b", "c"):
        found.add_new(Snapshot(name=name))
    found.current = found.named("a")
    found.add_new(Snapshot(name="d"))
    return found


def names(found: list[Snapshot]) -> list[str | None]:
    return [snapshot.name for snapshot in found]


def test_parents_come_before_children(tree: Moments[Snapshot]) -> None:
    assert names(tree.in_order()) == ["a", "b", "c", "d"]
    assert tree.parents == {"a": None, "b": "a", "c": "b", "d": "a"}
    assert names(tree.descendants(tree.named("b"))) == ["c"]


def test_children_of_one_that_goes_follow_its_parent(tree: Moments[Snapshot]) -> None:
    tree.remove(tree.named("b"))
    assert tree.parents == {"a": None, "c": "a", "d": "a"}


def test_the_current_one_goes_to_its_parent(tree: Moments[Snapshot]) -> None:
    tree.remove(tree.named("d"))
    assert tree.current is tree.named("a")
    tree.current = tree.named("c")
    tree.delete(tree.named("b"), children=True, itself=False)
    assert tree.current is tree.named("b")


def test_what_is_not_there(tree: Moments[Snapshot]) -> None:
    with pytest.raises(VirtError, match="no domain snapshot with matching name 'x'"):
        tree.named("x")
    with pytest.raises(VirtError, match="snapshot 'a' does not have a parent"):
        tree.required_parent(tree.named("a"))
    with pytest.raises(VirtError, match="domain moment a already exists"):
        tree.add_new(Snapshot(name="a"))


def test_a_long_chain_is_no_deep_recursion() -> None:
    chain: Moments[Snapshot] = Moments("snapshot", Code.NO_DOMAIN_SNAPSHOT)
    for number in range(3000):
        chain.add_new(Snapshot(name=str(number)))
    assert len(chain.descendants(chain.named("0"))) == 2999
    chain.delete(chain.named("0"), children=True, itself=True)
    assert len(chain) == 0
