#include "tests/support/lossy_node.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

struct sector {
    uint64_t number;
    uint8_t synced[LOSSY_SECTOR]; /* zeros behind the synced size */
    UT_hash_handle hh;
};

struct lossy_node {
    char path[4096];
    uint64_t synced_size;
    bool created; /* since its directory was last synced */
    struct sector *sectors;
    uint8_t *ghost; /* content of a deleted file that a cut may bring back */
    size_t ghost_size;
    UT_hash_handle hh;
};

static struct lossy_node *nodes;

/* splitmix64: each call gives the next of a sequence that the seed fixes. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void need(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

static uint64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void drop_sectors(struct lossy_node *n)
{
    struct sector *s = NULL;
    struct sector *next = NULL;

    HASH_ITER(hh, n->sectors, s, next)
    {
        HASH_DEL(n->sectors, s);
        free(s);
    }
}

static void drop_ghost(struct lossy_node *n)
{
    free(n->ghost);
    n->ghost = NULL;
    n->ghost_size = 0;
}

struct lossy_node *lossy_node_opened(const char *path, bool existed)
{
    struct lossy_node *n = NULL;

    HASH_FIND_STR(nodes, path, n);
    if (!n) {
        n = calloc(1, sizeof *n);
        need(n != NULL, "lossy_vfs");
        (void)snprintf(n->path, sizeof n->path, "%s", path);
        n->synced_size = existed ? size_of(path) : 0;
        HASH_ADD_STR(nodes, path, n);
    }
    if (!existed) {
        n->created = true;
        n->synced_size = 0;
    }
    return n;
}

static void keep_sector(struct lossy_node *n, int fd, uint64_t number)
{
    struct sector *s = NULL;

    HASH_FIND(hh, n->sectors, &number, sizeof number, s);
    if (s) {
        return; /* what was synced is known already */
    }
    s = calloc(1, sizeof *s);
    need(s != NULL, "lossy_vfs");
    s->number = number;
    uint64_t start = number * LOSSY_SECTOR;
    if (start < n->synced_size) {
        uint64_t held = n->synced_size - start;
        size_t want = held < LOSSY_SECTOR ? (size_t)held : LOSSY_SECTOR;
        need(pread(fd, s->synced, want, (off_t)start) >= 0, "lossy_vfs: read");
    }
    HASH_ADD(hh, n->sectors, number, sizeof s->number, s);
}

void lossy_node_before_change(struct lossy_node *n, uint64_t from, uint64_t to)
{
    if (to == UINT64_MAX) {
        to = size_of(n->path);
    }
    if (from >= to) {
        return;
    }
    int fd = open(n->path, O_RDONLY | O_CLOEXEC);
    need(fd >= 0, "lossy_vfs: open");
    for (uint64_t number = from / LOSSY_SECTOR; number <= (to - 1) / LOSSY_SECTOR; number++) {
        keep_sector(n, fd, number);
    }
    (void)close(fd);
}

/* The first sync of a new file syncs its directory too (SQLite does so for its logs), and all that happened in there with it. */
static void directory_synced(void)
{
    struct lossy_node *n = NULL;
    struct lossy_node *next = NULL;

    HASH_ITER(hh, nodes, n, next)
    {
        drop_ghost(n);
        n->created = false;
    }
}

void lossy_node_synced(struct lossy_node *n)
{
    drop_sectors(n);
    n->synced_size = size_of(n->path);
    if (n->created) {
        directory_synced();
    }
}

void lossy_node_before_delete(const char *path, bool durable)
{
    struct lossy_node *n = NULL;

    HASH_FIND_STR(nodes, path, n);
    if (!n) {
        return;
    }
    drop_ghost(n);
    int fd = durable || n->created ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        size_t size = (size_t)size_of(path);
        n->ghost = malloc(size ? size : 1);
        need(n->ghost && read(fd, n->ghost, size) == (ssize_t)size, "lossy_vfs: read");
        n->ghost_size = size;
        (void)close(fd);
    }
    drop_sectors(n);
    n->synced_size = 0;
    n->created = false;
}

static void cut_deleted(struct lossy_node *n, uint64_t *random)
{
    if (!n->ghost || next_random(random) % 2 == 0) {
        return;
    }
    int fd = open(n->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    need(fd >= 0 && write(fd, n->ghost, n->ghost_size) == (ssize_t)n->ghost_size, "lossy_vfs: bring back");
    (void)close(fd);
}

static uint64_t choose_size(uint64_t synced, uint64_t current, uint64_t *random)
{
    uint64_t low = synced < current ? synced : current;
    uint64_t high = synced < current ? current : synced;

    switch (next_random(random) % 3) {
    case 0:
        return synced;
    case 1:
        return current;
    default: /* a part of the change had reached the disk */
        return low + next_random(random) % (high - low + 1);
    }
}

static void cut_content(struct lossy_node *n, uint64_t *random)
{
    uint64_t current = size_of(n->path);
    uint64_t size = choose_size(n->synced_size, current, random);
    static const uint64_t shares[] = {0, 4, 8, 12, 15, 16, 16}; /* of 16: from "all is lost" to "all is there" */
    uint64_t keep_of_16 = shares[next_random(random) % (sizeof shares / sizeof shares[0])];
    struct sector *s = NULL;
    struct sector *next = NULL;

    int fd = open(n->path, O_RDWR | O_CLOEXEC);
    need(fd >= 0 && ftruncate(fd, (off_t)size) == 0, "lossy_vfs: cut");
    HASH_ITER(hh, n->sectors, s, next)
    {
        uint64_t start = s->number * LOSSY_SECTOR;
        bool keeps_new = next_random(random) % 16 < keep_of_16 && start + LOSSY_SECTOR <= current;
        if (start >= size || keeps_new) {
            continue;
        }
        size_t room = size - start < LOSSY_SECTOR ? (size_t)(size - start) : LOSSY_SECTOR;
        need(pwrite(fd, s->synced, room, (off_t)start) == (ssize_t)room, "lossy_vfs: give back");
    }
    (void)close(fd);
}

static void cut_node(struct lossy_node *n, uint64_t *random)
{
    char shm[sizeof n->path + 8];

    (void)snprintf(shm, sizeof shm, "%s-shm", n->path);
    (void)unlink(shm); /* memory; most files have none */
    if (access(n->path, F_OK) != 0) {
        cut_deleted(n, random);
    } else if (n->created && next_random(random) % 2 == 0) {
        need(unlink(n->path) == 0, "lossy_vfs: unlink");
    } else {
        cut_content(n, random);
    }
}

void lossy_nodes_cut(uint64_t seed)
{
    struct lossy_node *n = NULL;
    struct lossy_node *next = NULL;

    HASH_ITER(hh, nodes, n, next)
    {
        cut_node(n, &seed);
    }
    lossy_nodes_forget();
}

void lossy_nodes_forget(void)
{
    struct lossy_node *n = NULL;
    struct lossy_node *next = NULL;

    HASH_ITER(hh, nodes, n, next)
    {
        HASH_DEL(nodes, n);
        drop_sectors(n);
        drop_ghost(n);
        free(n);
    }
}
