# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bytes ⇄ values: libvirt's RPC programs, from tables by generated codecs."""
