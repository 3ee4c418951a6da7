# SPDX-License-Identifier: LGPL-2.1-or-later
"""Parts that guest interfaces, networks and network ports have in common."""
