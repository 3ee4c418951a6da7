# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPU models: what they consist of, which one a host is, how two compare."""
