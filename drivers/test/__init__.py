# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hypervisor that exists in memory only: for trying out clients, and a model of a driver to read."""
