# SPDX-License-Identifier: LGPL-2.1-or-later
"""Procedure → driver method: access, the shape of arguments and results, errors."""

from virtd.dispatch.checks import Handler, checked
from virtd.dispatch.dispatcher import Dispatcher, SignatureMismatchError, driver_procedures, method_name

__all__ = ["Dispatcher", "Handler", "SignatureMismatchError", "checked", "driver_procedures", "method_name"]
