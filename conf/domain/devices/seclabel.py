# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<seclabel>` of a device's source: an exception from the domain's label."""

from __future__ import annotations

from conf.binding import Model, ParseOptions, YesNo, attr, child_text
from conf.errors import XMLError


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
        XMLError: two for the same security model.
    """
    models: set[str | None] = set()
    for label in labels:
        if label.model in models:
            raise XMLError(f"seclabel for model {label.model or '(null)'} is already provided")
        models.add(label.model)
    return labels
