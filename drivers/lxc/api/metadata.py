# SPDX-License-Identifier: LGPL-2.1-or-later
"""Title, description and the metadata of applications."""

from __future__ import annotations

from drivers.common.metadata import Metadata
from drivers.lxc.api.base import Part
from drivers.lxc.guest import Guest


class MetadataApi(Part, Metadata[Guest]):
    """virDomainSetMetadata, virDomainGetMetadata."""
