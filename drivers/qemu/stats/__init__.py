# SPDX-License-Identifier: LGPL-2.1-or-later
"""Statistics of guests: what QEMU and the kernel count."""
