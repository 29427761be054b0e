#include "tests/support/lossy_vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/lossy_node.h"

struct lossy_file {
    sqlite3_file base;
    struct lossy_node *node; /* NULL: not tracked (a temporary file) */
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs lossy;
static uint64_t calls;
static uint64_t fail_at;
static int fail_rc;
static bool fail_for_good;
static bool has_failed;
static int next_sync_rc;
static int open_files;

static struct lossy_file *of(sqlite3_file *f)
{
    return (struct lossy_file *)f;
}

/* SQLITE_OK, or what this call has to fail with. */
static int fault(void)
{
    calls++;
    if (fail_at == 0 || calls < fail_at || (calls > fail_at && !fail_for_good)) {
        return SQLITE_OK;
    }
    has_failed = true;
    return fail_rc;
}

static int lossy_close(sqlite3_file *f)
{
    open_files--;
    return of(f)->real->pMethods->xClose(of(f)->real);
}

static int lossy_read(sqlite3_file *f, void *buf, int n, sqlite3_int64 at)
{
    int rc = fault();

    return rc ? rc : of(f)->real->pMethods->xRead(of(f)->real, buf, n, at);
}

static int lossy_write(sqlite3_file *f, const void *buf, int n, sqlite3_int64 at)
{
    bool was_off = fail_at != 0 && fail_for_good && calls >= fail_at;
    int rc = fault();

    if (was_off) {
        return rc;
    }
    int part = rc ? n / 2 : n;
    if (of(f)->node) {
        lossy_node_before_change(of(f)->node, (uint64_t)at, (uint64_t)at + (uint64_t)part);
    }
    int done = part > 0 ? of(f)->real->pMethods->xWrite(of(f)->real, buf, part, at) : SQLITE_OK;
    return rc ? rc : done;
}

static int lossy_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = fault();

    if (rc) {
        return rc;
    }
    if (of(f)->node) {
        lossy_node_before_change(of(f)->node, (uint64_t)size, UINT64_MAX);
    }
    return of(f)->real->pMethods->xTruncate(of(f)->real, size);
}

static int lossy_sync(sqlite3_file *f, int flags)
{
    int rc = fault();

    (void)flags;
    if (!rc && next_sync_rc) {
        rc = next_sync_rc;
        next_sync_rc = SQLITE_OK;
        has_failed = true;
    }
    if (!rc && of(f)->node) {
        lossy_node_synced(of(f)->node);
    }
    return rc;
}

static int lossy_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return of(f)->real->pMethods->xFileSize(of(f)->real, out);
}

static int lossy_lock(sqlite3_file *f, int level)
{
    return of(f)->real->pMethods->xLock(of(f)->real, level);
}

static int lossy_unlock(sqlite3_file *f, int level)
{
    return of(f)->real->pMethods->xUnlock(of(f)->real, level);
}

static int lossy_reserved(sqlite3_file *f, int *out)
{
    return of(f)->real->pMethods->xCheckReservedLock(of(f)->real, out);
}

static int lossy_control(sqlite3_file *f, int op, void *arg)
{
    return of(f)->real->pMethods->xFileControl(of(f)->real, op, arg);
}

static int lossy_sector(sqlite3_file *f)
{
    (void)f;
    return LOSSY_SECTOR;
}

static int lossy_traits(sqlite3_file *f)
{
    return of(f)->real->pMethods->xDeviceCharacteristics(of(f)->real);
}

static int lossy_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return of(f)->real->pMethods->xShmMap(of(f)->real, page, size, extend, out);
}

static int lossy_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return of(f)->real->pMethods->xShmLock(of(f)->real, offset, n, flags);
}

static void lossy_shm_barrier(sqlite3_file *f)
{
    of(f)->real->pMethods->xShmBarrier(of(f)->real);
}

static int lossy_shm_unmap(sqlite3_file *f, int delete)
{
    return of(f)->real->pMethods->xShmUnmap(of(f)->real, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = lossy_close,
    .xRead = lossy_read,
    .xWrite = lossy_write,
    .xTruncate = lossy_truncate,
    .xSync = lossy_sync,
    .xFileSize = lossy_size,
    .xLock = lossy_lock,
    .xUnlock = lossy_unlock,
    .xCheckReservedLock = lossy_reserved,
    .xFileControl = lossy_control,
    .xSectorSize = lossy_sector,
    .xDeviceCharacteristics = lossy_traits,
    .xShmMap = lossy_shm_map,
    .xShmLock = lossy_shm_lock,
    .xShmBarrier = lossy_shm_barrier,
    .xShmUnmap = lossy_shm_unmap,
};

static int lossy_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out_flags)
{
    struct lossy_file *file = of(f);
    int rc = fault();

    (void)vfs;
    memset(file, 0, sizeof *file);
    if (rc) {
        return rc;
    }
    struct stat st;
    bool existed = path && stat(path, &st) == 0;
    file->real = (sqlite3_file *)(file + 1);
    rc = real_vfs->xOpen(real_vfs, path, file->real, flags, out_flags);
    if (rc) {
        return rc;
    }
    if (path && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL))) {
        file->node = lossy_node_opened(path, existed);
    }
    open_files++;
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int lossy_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    int rc = fault();

    (void)vfs;
    if (rc) {
        return rc;
    }
    lossy_node_before_delete(path, sync_directory != 0);
    return real_vfs->xDelete(real_vfs, path, 0);
}

static int lossy_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    (void)vfs;
    return real_vfs->xAccess(real_vfs, path, flags, out);
}

static int lossy_full_path(sqlite3_vfs *vfs, const char *path, int cap, char *out)
{
    (void)vfs;
    return real_vfs->xFullPathname(real_vfs, path, cap, out);
}

void lossy_vfs_register(void)
{
    if (real_vfs) {
        return;
    }
    real_vfs = sqlite3_vfs_find(NULL);
    lossy = *real_vfs;
    lossy.pNext = NULL;
    lossy.zName = LOSSY_VFS;
    lossy.szOsFile = (int)sizeof(struct lossy_file) + real_vfs->szOsFile;
    lossy.xOpen = lossy_open;
    lossy.xDelete = lossy_delete;
    lossy.xAccess = lossy_access;
    lossy.xFullPathname = lossy_full_path;
    int rc = sqlite3_vfs_register(&lossy, 0);
    assert(rc == SQLITE_OK);
    (void)rc;
}

void lossy_vfs_fail(uint64_t k, int rc, bool for_good)
{
    calls = 0;
    fail_at = k;
    fail_rc = rc;
    fail_for_good = for_good;
    next_sync_rc = SQLITE_OK;
    has_failed = false;
}

void lossy_vfs_fail_next_sync(int rc)
{
    next_sync_rc = rc;
    has_failed = false;
}

uint64_t lossy_vfs_calls(void)
{
    return calls;
}

bool lossy_vfs_failed(void)
{
    return has_failed;
}

void lossy_vfs_power_cut(uint64_t seed)
{
    assert(open_files == 0);
    lossy_vfs_fail(0, 0, false);
    lossy_nodes_cut(seed);
}

void lossy_vfs_reset(void)
{
    lossy_vfs_fail(0, 0, false);
    lossy_nodes_forget();
}
