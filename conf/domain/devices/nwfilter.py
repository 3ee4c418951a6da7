# SPDX-License-Identifier: LGPL-2.1-or-later
"""`<filterref>`: the network filter that an interface's traffic passes."""

from __future__ import annotations

import re

from conf.binding import Model, ParseOptions, attr, children

_NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9_.:]+", re.ASCII)


class FilterParameter(Model):
    """`<parameter>`: a variable of the filter; a name that comes again makes a list."""

    name: str | None = attr()
    value: str | None = attr()

    @property
    def is_usable(self) -> bool:
        """Whether the filter language could say it."""
        return bool(_NAME.fullmatch(self.name or "") and _VALUE.fullmatch(self.value or ""))


class FilterReference(Model):
    """`<filterref>`."""

    filter: str | None = attr(empty_is_unset=True)
    parameters: list[FilterParameter] = children("parameter")

    def check(self, options: ParseOptions) -> None:
        usable = [parameter for parameter in self.parameters if parameter.is_usable]
        self.parameters = sorted(usable, key=lambda parameter: parameter.name or "")
