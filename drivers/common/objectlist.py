# SPDX-License-Identifier: LGPL-2.1-or-later
"""All networks, pools … of a driver, found by uuid or name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from virtd.errors import Code, From, VirtError
from virtd.refs import NetworkRef, StoragePoolRef


class Named(Protocol):
    """What identifies an object."""

    @property
    def name(self) -> str: ...

    @property
    def uuid(self) -> bytes: ...

    @property
    def active(self) -> bool: ...


class Definition(Protocol):
    """What a document says of that."""

    name: str
    uuid: str


O = TypeVar("O", bound=Named)  # noqa: E741
D = TypeVar("D", bound=Definition)


class ObjectList(Generic[O, D]):
    """Objects of one kind in the order in which they came.

    Args:
        word: what errors call one of them.
        long_word: the same where none was found.
        missing: the code of that error.
        source: whose errors clashes are.
    """

    def __init__(self, word: str, long_word: str, missing: Code, source: From) -> None:
        self._word, self._long_word, self._missing, self._source = word, long_word, missing, source
        self._by_uuid: dict[bytes, O] = {}

    def __iter__(self) -> Iterator[O]:
        return iter(tuple(self._by_uuid.values()))

    def by_uuid(self, uuid: bytes) -> O:
        """The object of this uuid.  Raises the error of a missing one."""
        return self._found(self._by_uuid.get(uuid), f"uuid '{UUID(bytes=uuid)}'")

    def by_name(self, name: str) -> O:
        """The object of this name.  Raises the error of a missing one."""
        return self._found(self._of_name(name), f"name '{name}'")

    def by_ref(self, ref: NetworkRef | StoragePoolRef) -> O:
        """The object a client means by its handle.  Raises the error of a missing one."""
        name, uuid = ref
        return self._found(self._by_uuid.get(uuid), f"uuid '{UUID(bytes=uuid)}' ({name})")

    def _of_name(self, name: str) -> O | None:
        return next((found for found in self._by_uuid.values() if found.name == name), None)

    def _found(self, found: O | None, what: str) -> O:
        if found is None:
            raise VirtError(self._missing, f"no {self._long_word} with matching {what}")
        return found

    def place(self, definition: D, *, to_run: bool = False) -> O | None:
        """The object that `definition` is one of; None: it would be a new one.

        Raises:
            VirtError: OPERATION_FAILED, name and uuid belong to different ones; OPERATION_INVALID, it is
                `to_run` and does so already.
        """
        found = self._by_uuid.get(UUID(definition.uuid).bytes)
        if found is None:
            if other := self._of_name(definition.name):
                raise self.taken(f"{self._word} '{other.name}' already exists with uuid {UUID(bytes=other.uuid)}")
            return None
        if found.name != definition.name:
            raise self.taken(f"{self._word} '{found.name}' is already defined with uuid {definition.uuid}")
        if to_run and found.active:
            text = f"{self._word} is already active as '{found.name}'"
            raise VirtError(Code.OPERATION_INVALID, text, source=self._source)
        return found

    def taken(self, text: str) -> VirtError:
        """The error of something that two cannot have."""
        return VirtError(Code.OPERATION_FAILED, text, source=self._source)

    def add(self, new: O) -> None:
        """Take in a new one; its name and uuid are free."""
        self._by_uuid[new.uuid] = new

    def remove(self, gone: O) -> None:
        """Forget one."""
        self._by_uuid.pop(gone.uuid, None)
