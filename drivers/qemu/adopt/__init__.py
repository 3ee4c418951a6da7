# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests that libvirtd 9.0.0 left running: its status files read, its QEMUs taken over."""
