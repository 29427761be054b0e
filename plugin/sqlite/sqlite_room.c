/* How much of the room is used up. */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "plugin/sqlite/sqlite_impl.h"

#define ENOUGH_BYTES (10ULL << 30) /* free: no disk is full then, whatever its share */

/* Free pages inside of the file are used before it grows. */
static unsigned percent_of_quota(sqlite3 *db)
{
    int64_t pages = 0;
    int64_t unused = 0;
    int64_t most = 0;
    bool known = sqlite_number(db, "PRAGMA page_count", &pages) == SQLITE_OK && sqlite_number(db, "PRAGMA freelist_count", &unused) == SQLITE_OK &&
                 sqlite_number(db, "PRAGMA max_page_count", &most) == SQLITE_OK;

    return known && most > 0 && pages > unused ? (unsigned)((pages - unused) * 100 / most) : 0;
}

static bool look_at_disk(const char *path, struct statvfs *out)
{
    char folder[PATH_MAX];
    int len = snprintf(folder, sizeof folder, "%s", path ? path : "");
    char *slash = len > 0 && (size_t)len < sizeof folder ? strrchr(folder, '/') : NULL;

    if (slash != NULL) {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    return statvfs(slash != NULL ? folder : ".", out) == 0;
}

static unsigned percent_of_disk(const char *path)
{
    struct statvfs fs;

    if (!look_at_disk(path, &fs)) {
        return 0;
    }
    uint64_t used = fs.f_blocks - fs.f_bfree;
    uint64_t mine = used + fs.f_bavail; /* what is kept for root is not ours */
    return mine == 0 || fs.f_bavail >= ENOUGH_BYTES / fs.f_frsize ? 0 : (unsigned)(used * 100 / mine);
}

static unsigned percent_used(void *ctx)
{
    struct sqlite_store *s = ctx;

    store_enter(s);
    unsigned quota = percent_of_quota(s->db);
    unsigned disk = percent_of_disk(sqlite3_db_filename(s->db, "main"));
    return quota > disk ? quota : disk;
}

static uint64_t bytes_of(const char *path)
{
    struct stat st;
    return path != NULL && stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static void room(void *ctx, struct store_room *out)
{
    struct sqlite_store *s = ctx;
    struct statvfs fs;
    int64_t most = 0;
    int64_t page_bytes = 0;

    store_enter(s);
    const char *path = sqlite3_db_filename(s->db, "main");
    bool known =
        sqlite_number(s->db, "PRAGMA max_page_count", &most) == SQLITE_OK && sqlite_number(s->db, "PRAGMA page_size", &page_bytes) == SQLITE_OK;
    *out = (struct store_room){
        .db_bytes = bytes_of(path),
        .wal_bytes = bytes_of(path ? sqlite3_filename_wal(path) : NULL),
        .quota_bytes = known && most > 0 ? (uint64_t)most * (uint64_t)page_bytes : 0,
        .free_bytes = look_at_disk(path, &fs) ? (uint64_t)fs.f_bavail * fs.f_frsize : 0,
    };
}

void store_room_port(struct store_port *p)
{
    p->room = room;
    p->percent_used = percent_used;
}
