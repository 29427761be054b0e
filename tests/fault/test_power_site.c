/*
 * A site on SQLite on a disk that loses what was not synced: the power goes at each call to the disk in turn. What the site told before has to be
 * true afterwards: what it took into custody reaches the hub, though the device sends nothing again, and what it said to the hub to have, it has.
 * In the end every command has its one outcome, and the site's log is the hub's.
 */
#include <sqlite3.h>

#include "plugin/hub/site.h"
#include "plugin/sqlite/sqlite_store.h"
#include "tests/support/lossy_vfs.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/hub/site_kit.h"

#define COMMANDS 7
#define REFUSED_EACH 3 /* the hub refuses each third command */
#define SEQ_MAX 32
#define PAD "ben-pad"
#define LANE_EVENTS 2
#define QUIET_TURNS 45 /* of a second: what the hub was not heard about is asked again after 30 */

struct event {
    uint8_t bytes[1024];
    size_t len;
    uint64_t number; /* on its way down, in this session; 0: not sent in it */
};

struct world {
    struct temp_dir dir;
    char path[TEMP_PATH_MAX];
    struct sqlite_store *store;
    struct store_info info;
    struct kit k;
    struct kit_body body;
    /* the hub */
    struct far far;
    size_t judged; /* of far's records */
    struct event events[SEQ_MAX];
    uint64_t head;
    uint64_t order[COMMANDS + 1]; /* n -> seq */
    uint64_t has;                 /* the site has said to have all events up to here */
    bool session;
    /* the device */
    bool custody[COMMANDS + 1];
    uint64_t acked[COMMANDS + 1];
    bool nacked[COMMANDS + 1];
};

static uint64_t same_epoch(void *arg)
{
    (void)arg;
    return 815;
}

static bool refuses(uint64_t n)
{
    return n % REFUSED_EACH == 0;
}

/* ------------------------------------------------------------------ the hub */

static void send_down(struct world *w, uint64_t seq)
{
    struct event *ev = &w->events[seq];
    ev->number = w->far.next[LANE_EVENTS];
    far_down(&w->far, LANE_EVENTS, fp_bytes_of(ev->bytes, ev->len));
}

static void put_event(struct world *w, const struct far_record *r, bool branch)
{
    struct fp_enc e;
    struct fp_event ev = far_event_of(r, ++w->head, w->k.wall.ms);
    struct event *to = &w->events[w->head];
    assert_true(w->head < SEQ_MAX);
    if (!branch) {
        ev.branch_relay = (struct fp_id){0};
        ev.branch_k = 0;
    }
    fp_enc_init(&e, to->bytes, sizeof(to->bytes));
    assert_true(fp_event_encode(&e, &ev));
    to->len = e.len;
}

static void make_kitchen(struct world *w)
{
    static const char *const users[] = {"ben"};
    static const uint64_t roles[] = {FP_ROLE_MEMBER};
    struct far_record r = {.up = {.user = kit_id("anna"), .device = kit_id("anna-desk")},
                           .cmd = kit_conv_new(&w->body, 1, "kitchen", "house", users, roles, 1)};
    put_event(w, &r, false);
}

/* A record that is there again, since the site asks again or has lost an answer, has the same outcome. */
static void judge(struct world *w, const struct far_record *r)
{
    uint64_t n = r->cmd.n;
    assert_true(n > 0 && n <= COMMANDS);
    if (refuses(n)) {
        far_refuse(&w->far, r, FP_EDENIED);
        return;
    }
    if (w->order[n] == 0) {
        put_event(w, r, true);
        w->order[n] = w->head;
    }
    send_down(w, w->order[n]);
}

static uint64_t held(const struct world *w)
{
    struct fp_id kitchen = kit_id("kitchen");
    for (size_t i = 0; i < w->far.held_count; i++) {
        if (fp_id_eq(&w->far.held[i], &kitchen)) {
            return w->far.held_seq[i];
        }
    }
    return 0;
}

static void hear(struct world *w)
{
    size_t hellos = w->far.hellos;
    far_read(&w->far);
    if (w->far.hellos > hellos) {
        uint64_t from = w->far.held_count > 0 ? held(w) : w->has;
        assert_true(w->session || w->far.held_count > 0); /* after a start it says what it holds */
        assert_true(from >= w->has);
        assert_true(from <= w->head);
        for (size_t lane = 0; lane < FP_LANES; lane++) {
            assert_true(w->far.hello.have[lane] >= w->far.acked[lane]);
        }
        w->session = true;
        far_welcome(&w->far);
        for (uint64_t seq = 1; seq <= w->head; seq++) {
            w->events[seq].number = 0;
        }
        for (uint64_t seq = from + 1; seq <= w->head; seq++) {
            send_down(w, seq);
        }
    }
    for (; w->session && w->judged < w->far.count; w->judged++) {
        judge(w, &w->far.records[w->judged]);
    }
    for (uint64_t seq = w->has + 1; seq <= w->head && w->events[seq].number > 0 && w->events[seq].number <= w->far.acked[LANE_EVENTS]; seq++) {
        w->has = seq;
    }
    if (w->session) {
        far_ack(&w->far);
    }
}

/* ------------------------------------------------------------------ the device */

static void saw_reply(struct world *w, struct fp_reply *r)
{
    struct fp_answer a = {0};
    struct fp_id ship = kit_id(RELAY);
    if (r->what == FP_REPLY_NACK && !r->as.nack.retry) {
        assert_true(refuses(r->as.nack.n)); /* nothing else is refused for good */
        w->nacked[r->as.nack.n] = true;
    }
    while (r->what == FP_REPLY_ACK && fp_reply_answer(r, &a)) {
        assert_true(a.n <= COMMANDS);
        if (a.seq == 0 && fp_id_eq(&r->as.ack.relay, &ship)) {
            w->custody[a.n] = true;
        } else {
            assert_int_equal(a.seq, w->order[a.n]);
            w->acked[a.n] = a.seq;
        }
    }
}

static void saw_replies(struct world *w)
{
    struct fp_reply r;
    for (size_t i = 0; kit_reply(&w->k, PAD, i, &r); i++) {
        saw_reply(w, &r);
    }
}

/* ------------------------------------------------------------------ lives of the site */

static void begin(struct world *w)
{
    char why[256];
    struct sqlite_store_config config = {.path = w->path, .vfs = LOSSY_VFS, .random = same_epoch, .now_s = 1};
    assert_int_equal(sqlite_store_open(&w->store, &config, &w->info, why, sizeof(why)), FP_OK);
    assert_false(w->info.quarantined);
}

static void turn(struct world *w, uint64_t ms)
{
    kit_run(&w->k);
    hear(w);
    kit_pass(&w->k, ms);
}

static void live(struct world *w, bool device)
{
    kit_open_as(&w->k, sqlite_store_port(w->store), &w->info, RELAY);
    w->far.k = &w->k;
    w->far.seen = 0;
    w->session = false;
    kit_raw(&w->k, RELAY, FP_TOPIC_RELAY_DOWN, fp_bytes_of("", 0));
    for (int i = 0; i < 4; i++) {
        turn(w, 100);
    }
    for (uint64_t n = 1; device && n <= COMMANDS; n++) {
        struct fp_command c = kit_msg(&w->body, n, "kitchen", "hello");
        kit_send(&w->k, PAD, &c);
        turn(w, 100);
    }
    for (int i = 0; i < QUIET_TURNS; i++) {
        turn(w, 1000);
    }
    saw_replies(w);
}

static void end(struct world *w)
{
    kit_close(&w->k);
    sqlite_store_close(w->store);
    w->store = NULL;
}

static void custody_is_kept(const struct world *w)
{
    bool came[COMMANDS + 1] = {false};
    for (size_t i = 0; i < w->far.count; i++) {
        came[w->far.records[i].cmd.n] = true;
    }
    for (uint64_t n = 1; n <= COMMANDS; n++) {
        assert_true(!w->custody[n] || came[n]);
    }
}

struct compared {
    const struct world *w;
    uint64_t next;
};

static bool compare(void *arg, const struct store_run *run)
{
    struct compared *c = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        const struct event *ev = &c->w->events[c->next];
        assert_int_equal(fp_event_seq(one), c->next++);
        assert_int_equal(one.len, ev->len);
        assert_memory_equal(one.p, ev->bytes, ev->len);
    }
    return true;
}

static void all_is_there_once(struct world *w)
{
    struct store_port p = sqlite_store_port(w->store);
    struct store_conv c = conv_row(&w->k, "kitchen");
    struct compared all = {.w = w, .next = 1};
    bool found = false;
    assert_int_equal(w->head, 1 + COMMANDS - COMMANDS / REFUSED_EACH);
    assert_int_equal(c.head, w->head);
    assert_int_equal(p.each_run(p.ctx, c.cid, 1, c.head, compare, &all), FP_OK);
    assert_int_equal(all.next, w->head + 1);
    for (uint64_t n = 1; n <= COMMANDS; n++) {
        assert_true(refuses(n) ? w->nacked[n] && w->acked[n] == 0 : w->acked[n] == w->order[n] && w->acked[n] > 0);
        struct store_branch b = branch_row(&w->k, PAD, n, &found);
        assert_true(!found || b.settled);
    }
}

/* ------------------------------------------------------------------ */

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    temp_dir_make(&w->dir);
    temp_dir_path(&w->dir, "site.db", w->path);
    lossy_vfs_reset();
    begin(w);
    w->far.epoch = HUB_EPOCH;
    w->k.wall.ms = 1700000000000;
    make_kitchen(w);
    return w;
}

static void world_free(struct world *w)
{
    far_fini(&w->far);
    temp_dir_remove(&w->dir);
    free(w);
}

static uint64_t calls_of_a_good_run(void)
{
    struct world *w = world_new();
    lossy_vfs_fail(0, 0, false);
    live(w, true);
    uint64_t calls = lossy_vfs_calls();
    all_is_there_once(w);
    end(w);
    world_free(w);
    return calls;
}

/* After it: one life in which the device is away, and one in which it sends all again. */
static void with_a_fault(uint64_t k, int code, bool for_good)
{
    struct world *w = world_new();
    lossy_vfs_fail(k, code, for_good);
    live(w, true);
    end(w);
    lossy_vfs_fail(0, 0, false);
    if (for_good) {
        lossy_vfs_power_cut(k * 7919);
    }
    begin(w);
    live(w, false);
    custody_is_kept(w);
    end(w);
    begin(w);
    live(w, true);
    all_is_there_once(w);
    end(w);
    world_free(w);
}

static void the_power_may_go_at_any_call(void **state)
{
    (void)state;
    lossy_vfs_register();
    uint64_t calls = calls_of_a_good_run();
    assert_true(calls > 50);
    for (uint64_t k = 1; k <= calls; k++) {
        with_a_fault(k, SQLITE_IOERR_WRITE, true);
    }
}

static void any_call_to_the_disk_may_fail_once(void **state)
{
    (void)state;
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_FULL, SQLITE_IOERR_FSYNC};
    lossy_vfs_register();
    uint64_t calls = calls_of_a_good_run();
    for (uint64_t k = 1; k <= calls; k += 2) { /* that is each code, as two and three have no common factor */
        with_a_fault(k, codes[k % 3], false);
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
