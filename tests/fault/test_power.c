/*
 * The hub on SQLite on a disk that loses what was not synced: the power goes at each call to the disk in turn. Whatever was told before
 * has to be there afterwards, the same; and when the devices have sent the rest again, all is there once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "plugin/sqlite/sqlite_store.h"
#include "tests/support/hub_kit.h"
#include "tests/support/lossy_vfs.h"
#include "tests/support/temp_dir.h"

#define MESSAGES 12 /* of each device */
#define SEQ_MAX 64
#define TURNS 8

static const char *const ben[] = {"ben"};
static const uint64_t as_member[] = {FP_ROLE_MEMBER};
static const char *const devices[] = {"anna-phone", "ben-pad"};

struct disk {
    struct temp_dir dir;
    char path[TEMP_PATH_MAX];
    struct sqlite_store *store;
    struct store_info info;
};

static uint64_t same_epoch(void *arg)
{
    (void)arg;
    return 4711;
}

static enum fp_err start(struct disk *d)
{
    char why[256];
    struct sqlite_store_config config = {.path = d->path, .vfs = LOSSY_VFS, .random = same_epoch, .now_s = 1};
    return sqlite_store_open(&d->store, &config, &d->info, why, sizeof(why));
}

/* ------------------------------------------------------------------ what the clients saw */

struct told {
    uint64_t event_hash[SEQ_MAX];   /* by seq; 0 = not seen */
    uint64_t acked_seq[2][SEQ_MAX]; /* by device and n */
    uint64_t head;
};

static void saw_event(struct told *t, struct fp_bytes one)
{
    uint64_t seq = fp_event_seq(one);
    uint64_t hash = fp_hash(FP_HASH_START, one.p, one.len);
    assert_true(seq > 0 && seq < SEQ_MAX);
    assert_true(t->event_hash[seq] == 0 || t->event_hash[seq] == hash);
    t->event_hash[seq] = hash;
}

static void saw_events(struct told *t, struct fp_bytes payload)
{
    struct fp_dec d;
    fp_dec_init(&d, payload);
    if (fp_dec_peek(&d) == FP_CBOR_MAP) {
        saw_event(t, payload);
        return;
    }
    for (size_t left = fp_dec_array(&d); left > 0; left--) {
        saw_event(t, fp_dec_raw(&d));
    }
}

static void saw_replies(struct told *t, const struct kit *k, size_t device)
{
    struct fp_reply r;
    struct fp_answer a;
    for (size_t i = 0; kit_reply(k, devices[device], i, &r); i++) {
        while (r.what == FP_REPLY_ACK && fp_reply_answer(&r, &a)) {
            assert_true(a.n < SEQ_MAX);
            assert_true(t->acked_seq[device][a.n] == 0 || t->acked_seq[device][a.n] == a.seq);
            t->acked_seq[device][a.n] = a.seq;
        }
    }
}

/* Adds what the bus was told since the start. */
static void look(struct told *t, const struct kit *k)
{
    for (size_t i = 0; i < k->bus.count; i++) {
        const struct fake_tell *f = fake_bus_at(&k->bus, i);
        struct fp_head h;
        if (f->tell.kind != TELL_PUBLISH) {
            continue;
        }
        if (f->tell.topic.kind == FP_TOPIC_CONV_EVENT) {
            saw_events(t, f->tell.payload);
        } else if (f->tell.topic.kind == FP_TOPIC_CONV_HEAD) {
            assert_int_equal(fp_head_decode(f->tell.payload, &h), FP_OK);
            t->head = h.seq > t->head ? h.seq : t->head;
        }
    }
    saw_replies(t, k, 0);
    saw_replies(t, k, 1);
}

/* ------------------------------------------------------------------ the load */

/* Both devices send all they have, some a turn; what is acked already is answered again. */
static void load(struct kit *k)
{
    struct kit_body b;
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", ben, as_member, 1);
    kit_send(k, devices[0], &c);
    kit_run(k);
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        for (uint64_t n = turn * MESSAGES / TURNS + 1; n <= (turn + 1) * MESSAGES / TURNS; n++) {
            char text[32];
            (void)snprintf(text, sizeof(text), "message %u", (unsigned)n);
            c = kit_msg(&b, n + 1, "kitchen", text);
            kit_send(k, devices[0], &c);
            c = kit_msg(&b, n, "kitchen", text);
            kit_send(k, devices[1], &c);
        }
        kit_pass(k, 400);
        kit_run(k);
    }
    kit_pass(k, 1100); /* heads are held back for a second */
    kit_run(k);
}

static void run_until_the_power_goes(struct disk *d, struct told *t)
{
    struct kit k;
    kit_open_on(&k, sqlite_store_port(d->store), &d->info);
    load(&k);
    look(t, &k);
    kit_close(&k);
    sqlite_store_close(d->store);
    d->store = NULL;
}

/* ------------------------------------------------------------------ what is on disk */

static bool check_run(void *arg, const struct store_run *run)
{
    const struct told *t = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        uint64_t seq = fp_event_seq(one);
        assert_true(seq < SEQ_MAX);
        assert_true(t->event_hash[seq] == 0 || t->event_hash[seq] == fp_hash(FP_HASH_START, one.p, one.len));
    }
    return true;
}

static uint64_t check_disk(struct disk *d, const struct told *t)
{
    struct store_port p = sqlite_store_port(d->store);
    struct store_conv c = {0};
    struct fp_id id = kit_id("kitchen");
    bool found = false;

    assert_false(d->info.quarantined);
    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    for (uint64_t seq = 1; seq < SEQ_MAX; seq++) {
        assert_true(t->event_hash[seq] == 0 || seq <= c.head);
    }
    assert_true(t->head <= c.head);
    if (found) {
        assert_int_equal(p.each_run(p.ctx, c.cid, 1, c.head, check_run, (void *)(uintptr_t)t), FP_OK);
    }
    for (size_t i = 0; i < 2; i++) {
        struct store_device dev = {.next_n = 1};
        struct fp_id device = kit_id(devices[i]);
        assert_int_equal(p.load_device(p.ctx, &device, &dev, &found), FP_OK);
        for (uint64_t n = 1; n < SEQ_MAX; n++) {
            assert_true(t->acked_seq[i][n] == 0 || (found && n < dev.next_n));
        }
    }
    return c.head;
}

/* The devices send all of it again: told once more are only the answers that were given before, and in the end all is there. */
static void go_on(struct disk *d, struct told *t)
{
    struct kit k;
    kit_open_on(&k, sqlite_store_port(d->store), &d->info);
    load(&k);
    look(t, &k); /* asserts that no answer and no event differs from what was seen before */
    kit_close(&k);
    assert_int_equal(check_disk(d, t), 2 * MESSAGES + 1);
    for (uint64_t n = 1; n <= MESSAGES; n++) {
        assert_int_not_equal(t->acked_seq[0][n + 1], 0);
        assert_int_not_equal(t->acked_seq[1][n], 0);
    }
}

static uint64_t calls_of_a_good_run(void)
{
    struct disk d = {0};
    struct told t = {0};
    temp_dir_make(&d.dir);
    temp_dir_path(&d.dir, "hub.db", d.path);
    lossy_vfs_reset();
    assert_int_equal(start(&d), FP_OK);
    lossy_vfs_fail(0, 0, false);
    run_until_the_power_goes(&d, &t);
    uint64_t calls = lossy_vfs_calls();
    assert_int_equal(t.head, 2 * MESSAGES + 1);
    temp_dir_remove(&d.dir);
    return calls;
}

static void the_power_may_go_at_any_call(void **state)
{
    (void)state;
    lossy_vfs_register();
    uint64_t calls = calls_of_a_good_run();
    assert_true(calls > 50);
    for (uint64_t k = 1; k <= calls; k++) {
        struct disk d = {0};
        struct told t = {0};
        temp_dir_make(&d.dir);
        temp_dir_path(&d.dir, "hub.db", d.path);
        lossy_vfs_reset();
        assert_int_equal(start(&d), FP_OK);
        lossy_vfs_fail(k, SQLITE_IOERR_WRITE, true);
        run_until_the_power_goes(&d, &t);
        lossy_vfs_fail(0, 0, false);
        lossy_vfs_power_cut(k * 7919);
        assert_int_equal(start(&d), FP_OK);
        (void)check_disk(&d, &t);
        go_on(&d, &t);
        sqlite_store_close(d.store);
        temp_dir_remove(&d.dir);
    }
}

/* A single call that fails: the hub says "again", the devices do, and nothing is lost or doubled. */
static void any_call_to_the_disk_may_fail_once(void **state)
{
    (void)state;
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_IOERR_FSYNC};
    lossy_vfs_register();
    uint64_t calls = calls_of_a_good_run();
    for (uint64_t k = 1; k <= calls; k++) {
        struct disk d = {0};
        struct told t = {0};
        temp_dir_make(&d.dir);
        temp_dir_path(&d.dir, "hub.db", d.path);
        lossy_vfs_reset();
        assert_int_equal(start(&d), FP_OK);
        lossy_vfs_fail(k, codes[k % 3], false);
        run_until_the_power_goes(&d, &t);
        lossy_vfs_fail(0, 0, false);
        assert_int_equal(start(&d), FP_OK);
        (void)check_disk(&d, &t);
        go_on(&d, &t);
        sqlite_store_close(d.store);
        temp_dir_remove(&d.dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_power_may_go_at_any_call),
        cmocka_unit_test(any_call_to_the_disk_may_fail_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
