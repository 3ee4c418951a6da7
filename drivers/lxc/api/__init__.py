# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API for containers, a subject a module."""
