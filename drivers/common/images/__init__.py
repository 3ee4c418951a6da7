# SPDX-License-Identifier: LGPL-2.1-or-later
"""The images of disks: chains of them, and what block jobs make of these."""
