/*
 * Timers on a disk that loses what was not synced: messages run out and runs get too old while the power goes at each call to the disk in
 * turn. Afterwards each message is deleted once, by the event that was told if one was; runs, floor and unread fit each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "plugin/sqlite/sqlite_store.h"
#include "tests/support/hub_kit.h"
#include "tests/support/lossy_vfs.h"
#include "tests/support/temp_dir.h"

#define DAY_MS 86400000ULL
#define OLD 4   /* messages that will be past their retention */
#define SHORT 3 /* messages that will have run out */
#define SEQ_MAX 32

struct disk {
    struct temp_dir dir;
    char path[TEMP_PATH_MAX];
    struct sqlite_store *store;
    struct store_info info;
};

struct deletes { /* by the seq of the message: the seq of the event that deleted it */
    uint64_t by[SEQ_MAX];
};

static uint64_t same_epoch(void *arg)
{
    (void)arg;
    return 4711;
}

static void start(struct disk *d)
{
    char why[256];
    struct sqlite_store_config config = {.path = d->path, .vfs = LOSSY_VFS, .random = same_epoch, .now_s = 1};
    assert_int_equal(sqlite_store_open(&d->store, &config, &d->info, why, sizeof(why)), FP_OK);
    assert_false(d->info.quarantined);
}

static void stop(struct disk *d, struct kit *k)
{
    kit_close(k);
    sqlite_store_close(d->store);
    d->store = NULL;
}

static void open_kit(struct disk *d, struct kit *k, uint64_t wall_ms)
{
    kit_open_on(k, sqlite_store_port(d->store), &d->info);
    k->wall.ms += wall_ms;
}

static void send(struct kit *k, const struct fp_command *c)
{
    kit_send(k, "anna-phone", c);
    kit_run(k);
    assert_int_equal(k->last, FP_OK);
}

static void set_up(struct disk *d)
{
    static const char *const ben[] = {"ben"};
    static const uint64_t as_member[] = {FP_ROLE_MEMBER};
    static const uint8_t seven_days[] = {0xa1, FP_CONV_RETENTION, 7};
    struct kit k;
    struct kit_body b;
    uint64_t n = 1;

    temp_dir_make(&d->dir);
    temp_dir_path(&d->dir, "hub.db", d->path);
    lossy_vfs_reset();
    start(d);
    open_kit(d, &k, 0);
    struct fp_command c = kit_conv_new(&b, n++, "kitchen", "house", ben, as_member, 1);
    send(&k, &c);
    for (int i = 0; i < OLD; i++) {
        c = kit_msg(&b, n++, "kitchen", "old");
        send(&k, &c);
    }
    kit_pass(&k, 6 * DAY_MS);
    for (int i = 0; i < SHORT; i++) {
        c = kit_msg(&b, n++, "kitchen", "short");
        c.has_ttl = true;
        c.ttl_s = 60;
        send(&k, &c);
    }
    c = (struct fp_command){.kind = FP_K_CONV_SET,
                            .n = n++,
                            .conv = kit_id("kitchen"),
                            .priority = FP_PRIORITY_NORMAL,
                            .body = fp_bytes_of(seven_days, sizeof(seven_days))};
    send(&k, &c);
    stop(d, &k);
}

/* ------------------------------------------------------------------ what was told, and what is there */

static void note(struct deletes *t, struct fp_bytes one, bool once)
{
    struct fp_event ev;
    assert_int_equal(fp_event_decode(one, &ev), FP_OK);
    if (ev.kind != FP_K_DELETE) {
        return;
    }
    assert_true(ev.ref < SEQ_MAX);
    assert_true(t->by[ev.ref] == 0 || (!once && t->by[ev.ref] == ev.seq));
    t->by[ev.ref] = ev.seq;
}

static void note_told(struct deletes *t, const struct kit *k)
{
    for (size_t i = 0; i < k->bus.count; i++) {
        const struct tell *f = &fake_bus_at(&k->bus, i)->tell;
        if (f->kind == TELL_PUBLISH && f->topic.kind == FP_TOPIC_CONV_EVENT) {
            note(t, f->payload, false); /* each timer is a batch, so an event comes alone */
        }
    }
}

struct held {
    struct deletes deletes;
    uint64_t first;
    uint64_t msgs;
};

static bool look(void *arg, const struct store_run *run)
{
    struct held *w = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    struct fp_event ev;
    w->first = w->first == 0 ? run->first : w->first;
    while (fp_run_next(&rest, &one)) {
        note(&w->deletes, one, true);
        assert_int_equal(fp_event_decode(one, &ev), FP_OK);
        w->msgs += ev.kind == FP_K_MSG;
    }
    return true;
}

static void check(struct disk *d, const struct deletes *told, bool all)
{
    struct store_port p = sqlite_store_port(d->store);
    struct fp_id id = kit_id("kitchen");
    struct fp_id ben = kit_id("ben");
    struct store_conv c;
    struct store_member m;
    struct held w = {0};
    bool found = false;

    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    assert_int_equal(p.load_member(p.ctx, c.cid, &ben, &m, &found), FP_OK);
    assert_int_equal(p.each_run(p.ctx, c.cid, 1, c.head, look, &w), FP_OK);
    assert_int_equal(w.first, c.floor + 1);
    assert_int_equal(c.msgs - m.read_msgs, w.msgs); /* he has read nothing: all that is left */
    for (size_t seq = 1; seq < SEQ_MAX; seq++) {
        assert_true(told->by[seq] == 0 || told->by[seq] == w.deletes.by[seq]);
        bool short_lived = seq > 1 + OLD && seq <= 1 + OLD + SHORT;
        assert_true(short_lived || w.deletes.by[seq] == 0);
        assert_true(!all || !short_lived || w.deletes.by[seq] != 0);
    }
    assert_true(c.floor == 0 || c.floor == 1 + OLD);
    assert_true(!all || c.floor == 1 + OLD);
}

/* ------------------------------------------------------------------ */

struct fault {
    uint64_t k; /* the call that fails; 0: none */
    int code;
    bool for_good;
};

/* The number of calls to the disk. */
static uint64_t run_timers(struct disk *d, struct deletes *told, uint64_t wall_ms, struct fault f)
{
    struct kit k;
    open_kit(d, &k, wall_ms);
    lossy_vfs_fail(f.k, f.code, f.for_good);
    for (int i = 0; i < 4; i++) {
        kit_pass(&k, 500);
        kit_run(&k);
    }
    note_told(told, &k);
    stop(d, &k);
    uint64_t calls = lossy_vfs_calls();
    lossy_vfs_fail(0, 0, false);
    return calls;
}

static uint64_t one_trial(struct fault f)
{
    struct disk d = {0};
    struct deletes told = {0};

    set_up(&d);
    start(&d);
    uint64_t calls = run_timers(&d, &told, 8 * DAY_MS, f);
    lossy_vfs_power_cut(f.k * 7919);
    start(&d);
    check(&d, &told, f.k == 0);
    (void)run_timers(&d, &told, 8 * DAY_MS + DAY_MS / 2, (struct fault){0});
    start(&d);
    check(&d, &told, true);
    sqlite_store_close(d.store);
    temp_dir_remove(&d.dir);
    return calls;
}

static void the_power_may_go_at_any_call(void **state)
{
    (void)state;
    lossy_vfs_register();
    uint64_t calls = one_trial((struct fault){0});
    assert_true(calls > 20);
    for (uint64_t k = 1; k <= calls; k++) {
        (void)one_trial((struct fault){.k = k, .code = SQLITE_IOERR_WRITE, .for_good = true});
    }
}

static void any_call_to_the_disk_may_fail_once(void **state)
{
    (void)state;
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_IOERR_FSYNC};
    lossy_vfs_register();
    uint64_t calls = one_trial((struct fault){0});
    for (uint64_t k = 1; k <= calls; k++) {
        (void)one_trial((struct fault){.k = k, .code = codes[k % 3]});
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
