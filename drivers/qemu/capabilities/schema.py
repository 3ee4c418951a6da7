# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions to the schema that QEMU publishes of its own commands (`query-qmp-schema`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

Entity = dict[str, Any]


class Schema:
    """Finds out whether a command knows a parameter, a value or a feature.

    A path starts with a command's or an event's name and goes down its arguments, one step a slash:

    * `name`: a member; for a command the first step may be `return`, which leads to its answer instead;
    * `tag=value`: the members that come with this value of the union's tag;
    * `^value`: an enum has this value;
    * `$feature`: the thing reached so far has this feature.

    Arrays and alternatives are stepped through silently.
    """

    def __init__(self, entities: Iterable[Entity]) -> None:
        self._entities = {e["name"]: e for e in entities}

    def has(self, path: str) -> bool:
        """Whether `path` exists; False for anything that is not understood."""
        name, *steps = path.split("/")
        root = self._entities.get(name)
        if root is None:
            return False
        if steps and steps[0].startswith("$"):
            return len(steps) == 1 and _has_feature(root, steps[0])
        start = "arg-type"
        if steps and steps[0] == "return":
            start, steps = "ret-type", steps[1:]
        found = list(self._resolve(root.get(start)))
        return self._walk(found, steps)

    def _walk(self, found: list[Entity], steps: list[str]) -> bool:
        for step in steps:
            if step.startswith("^"):
                return any(step[1:] in _values(entity) for entity in found)
            if step.startswith("$"):
                return any(_has_feature(entity, step) for entity in found)
            found = [hit for entity in found for hit in self._step(entity, step)]
            if not found:
                return False
        return True

    def _step(self, entity: Entity, step: str) -> Iterator[Entity]:
        tag, equals, case = step.partition("=")
        if equals:
            if entity.get("tag") == tag:
                for variant in entity["variants"]:
                    if variant["case"] == case:
                        yield from self._resolve(variant["type"])
            return
        for member in entity.get("members", ()):
            if isinstance(member, dict) and member.get("name") == step:
                yield from self._resolve(member["type"])

    def _resolve(self, name: str | None) -> Iterator[Entity]:
        """The types behind a name: itself, an array's elements, each of an alternate's members."""
        entity = self._entities.get(name) if name is not None else None
        if entity is None:
            return
        match entity["meta-type"]:
            case "array":
                yield from self._resolve(entity["element-type"])
            case "alternate":
                for member in entity["members"]:
                    yield from self._resolve(member["type"])
            case _:
                yield entity


def _values(entity: Entity) -> Iterable[str]:
    values: Iterable[str] = entity.get("values", ())
    return values if entity.get("meta-type") == "enum" else ()


def _has_feature(entity: Entity, step: str) -> bool:
    return step[1:] in entity.get("features", ())
