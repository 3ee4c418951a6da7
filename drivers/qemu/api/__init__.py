# SPDX-License-Identifier: LGPL-2.1-or-later
"""The driver's answers to clients, one subject a module."""
