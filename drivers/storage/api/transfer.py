# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading and writing the content of volumes through streams."""

from __future__ import annotations

import os

from drivers.storage.api.base import Part
from drivers.storage.errors import system_error
from drivers.storage.pool import ManagedPool, ManagedVolume
from drivers.storage.streams import Download, Upload
from virtd.calls import WithStream
from virtd.enums import StorageVolDownloadFlags, StorageVolUploadFlags
from virtd.errors import check_flags
from virtd.refs import StorageVolRef
from virtd.threads import in_thread


class TransferApi(Part):
    """virStorageVolDownload, virStorageVolUpload; offsets and lengths in bytes."""

    async def storage_vol_download(self, vol: StorageVolRef, offset: int, length: int, flags: int) -> WithStream:
        """virStorageVolDownload."""
        check_flags(flags, StorageVolDownloadFlags.SPARSE_STREAM, "storageVolDownload")
        _, volume = self.volume(vol)
        volume.check_built()
        fd = await _open(volume, os.O_RDONLY)
        return WithStream(Download(fd, offset, length, sparse=bool(flags)))

    async def storage_vol_upload(self, vol: StorageVolRef, offset: int, length: int, flags: int) -> WithStream:
        """virStorageVolUpload: afterwards the pool is looked at again, for an image may have become another."""
        check_flags(flags, StorageVolUploadFlags.SPARSE_STREAM, "storageVolUpload")
        pool, volume = self.volume(vol)
        volume.check_idle()
        fd = await _open(volume, os.O_WRONLY)

        def end() -> None:
            self._storage.tasks.spawn(self._refresh(pool), f"refresh {pool.name}")

        return WithStream(Upload(fd, offset, length, end))

    async def _refresh(self, pool: ManagedPool) -> None:
        async with pool.lock:
            if pool.active and not pool.jobs:
                await self._storage.refresh(pool)


async def _open(volume: ManagedVolume, flags: int) -> int:
    try:
        return await in_thread(os.open, volume.path, flags | os.O_CLOEXEC)
    except OSError as error:
        raise system_error(f"unable to open '{volume.path}'", error) from error
