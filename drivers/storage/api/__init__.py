# SPDX-License-Identifier: LGPL-2.1-or-later
"""The methods of the API, one subject a module."""
