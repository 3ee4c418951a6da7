# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<seclabel>` of a device's source: an exception from the domain's label."""

from __future__ import annotations

from typing import Any

from conf.binding import FormatOptions, Model, ParseOptions, YesNo, attr, child_text, children
from conf.binding.fields import Condition, Values
from conf.errors import XMLDetailError, XMLError


class DeviceSecLabel(Model):
    """`<seclabel>`; `labelskip` stands in a running guest's XML where labelling failed harmlessly."""

    model: str | None = attr()
    labelskip: YesNo | None = attr(live=True)
    relabel: YesNo | None = attr()
    label: str | None = child_text()

    def check(self, options: ParseOptions) -> None:
        if self.label is not None and self.relabel is False:
            raise XMLError(f"Cannot specify a label if relabelling is turned off. model={self.model or 'none'}")
        if self.relabel is None and not self.labelskip:
            self.relabel = True


def checked_labels(labels: list[DeviceSecLabel]) -> list[DeviceSecLabel]:
    """The labels of one source.

    Raises:
        XMLDetailError: two for the same security model.
    """
    models: set[str | None] = set()
    for label in labels:
        if label.model in models:
            raise XMLDetailError(f"seclabel for model {label.model or '(null)'} is already provided")
        models.add(label.model)
    return labels


def seclabels(when: Condition) -> Any:
    """The field of a source for its labels."""
    return children("seclabel", when=when, shown=_shown)


def _shown(labels: list[DeviceSecLabel], _own: Values, _around: Values, options: FormatOptions) -> list[DeviceSecLabel]:
    """A label without a text says nothing in a definition: relabelling is what happens anyhow."""
    if not options.inactive:
        return labels
    return [label for label in labels if label.label is not None or label.relabel is False]
