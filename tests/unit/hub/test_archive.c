/* A part of the history that lies in the archive and is not there: what of the hub goes on, and what says that it has to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#define DAY_MS 86400000ULL

struct room { /* a kit, with a conversation of anna and ben; 1 creates it, 2.. are hers */
    struct kit k;
    uint64_t anna_n, ben_n;
};

static void send(struct room *r, const char *device, const struct fp_command *c)
{
    kit_clear(&r->k);
    kit_send(&r->k, device, c);
    kit_run(&r->k);
    assert_int_equal(r->k.last, FP_OK);
    kit_idle(&r->k);
}

static void begin(struct room *r, size_t messages)
{
    static const char *const members[] = {"ben"};
    static const uint64_t roles[] = {1};
    struct kit_body b;

    kit_open(&r->k);
    r->anna_n = r->ben_n = 1;
    struct fp_command c = kit_conv_new(&b, r->anna_n++, "kitchen", "house", members, roles, 1);
    send(r, "anna-phone", &c);
    for (size_t i = 0; i < messages; i++) {
        c = kit_msg(&b, r->anna_n++, "kitchen", "hello");
        send(r, "anna-phone", &c);
    }
}

static struct fp_command change_of(uint64_t kind, uint64_t n, uint64_t ref, struct kit_body *b)
{
    fp_enc_init(&b->e, b->buf, sizeof(b->buf));
    fp_enc_map(&b->e, 0);
    return (struct fp_command){.kind = kind, .n = n, .conv = kit_id("kitchen"), .seen = ref, .ref = ref, .body = fp_enc_bytes_of(&b->e)};
}

static void get(struct room *r, uint64_t after, uint64_t upto)
{
    struct kit_body b;
    struct fp_command c = kit_get(&b, "kitchen", after, upto, 0, false);
    send(r, "ben-desk", &c);
}

/* A snapshot that says `floor`, unless that is 0, and then pages with from to upto. */
static void check_answer(const struct room *r, uint64_t floor, uint64_t from, uint64_t upto)
{
    struct fp_reply reply;
    uint64_t next = from;
    size_t snapshots = 0;

    for (size_t i = 0; kit_reply(&r->k, "ben-desk", i, &reply); i++) {
        if (reply.what == FP_REPLY_SNAPSHOT) {
            assert_int_equal(reply.as.snapshot.floor, floor);
            snapshots++;
        } else if (reply.what == FP_REPLY_PAGE) {
            assert_int_equal(reply.as.page.from, next);
            next = reply.as.page.to + 1;
        }
    }
    assert_int_equal(snapshots, floor > 0);
    assert_int_equal(next, upto + 1);
}

static void what_is_away_is_answered_like_what_is_below_a_floor(void **state)
{
    (void)state;
    struct room r;

    begin(&r, 9);
    get(&r, 0, 10);
    check_answer(&r, 0, 1, 10);
    mem_store_set_away(r.k.mem, 6);
    get(&r, 0, 10);
    check_answer(&r, 6, 7, 10);
    get(&r, 4, 8);
    check_answer(&r, 6, 7, 8);
    get(&r, 6, 10);
    check_answer(&r, 0, 7, 10); /* nothing of it is missing */
    mem_store_set_away(r.k.mem, 0);
    get(&r, 0, 10);
    check_answer(&r, 0, 1, 10);
    kit_close(&r.k);
}

static void a_change_to_what_is_away_is_put_off_and_not_lost(void **state)
{
    (void)state;
    static const uint64_t kinds[] = {FP_K_DELETE, FP_K_REDACT, FP_K_EDIT};
    struct room r;
    struct kit_body b;
    struct fp_reply reply;

    begin(&r, 9);
    mem_store_set_away(r.k.mem, 6);
    for (size_t round = 0; round < 30; round++) { /* more often than a store may fail before the hub stops */
        struct fp_command c = change_of(kinds[round % 3], r.anna_n, 3, &b);
        send(&r, "anna-phone", &c);
        assert_true(kit_nacked(&r.k, "anna-phone", FP_EBUSY));
        assert_true(kit_reply(&r.k, "anna-phone", kit_replies(&r.k, "anna-phone") - 1, &reply));
        assert_true(reply.as.nack.retry);
        char why[256] = "";
        assert_true(reply.as.nack.reason.len < sizeof(why));
        memcpy(why, reply.as.nack.reason.p, reply.as.nack.reason.len);
        assert_non_null(strstr(why, "archive"));
    }
    struct fp_command c = kit_msg(&b, r.anna_n++, "kitchen", "and on");
    send(&r, "anna-phone", &c);
    assert_true(kit_acked(&r.k, "anna-phone", r.anna_n - 1, 11));
    mem_store_set_away(r.k.mem, 0);
    c = change_of(FP_K_REDACT, r.anna_n++, 3, &b);
    send(&r, "anna-phone", &c);
    assert_true(kit_acked(&r.k, "anna-phone", r.anna_n - 1, 12));
    kit_close(&r.k);
}

/* The others of its batch do not suffer. */
static void a_batch_with_such_a_change_keeps_the_rest(void **state)
{
    (void)state;
    struct room r;
    struct kit_body b[2];

    begin(&r, 9);
    mem_store_set_away(r.k.mem, 6);
    kit_clear(&r.k);
    struct fp_command say = kit_msg(&b[0], r.ben_n++, "kitchen", "me too");
    struct fp_command c = change_of(FP_K_DELETE, r.anna_n, 3, &b[1]);
    kit_send(&r.k, "anna-phone", &c);
    kit_send(&r.k, "ben-desk", &say);
    kit_run(&r.k);
    assert_int_equal(r.k.last, FP_OK);
    assert_true(kit_nacked(&r.k, "anna-phone", FP_EBUSY));
    assert_true(kit_acked(&r.k, "ben-desk", 1, 11));
    kit_close(&r.k);
}

static struct store_conv conv_of(struct room *r)
{
    struct store_port p = mem_store_port(r->k.mem);
    struct fp_id id = kit_id("kitchen");
    struct store_conv c = {0};
    bool found = false;

    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    assert_true(found);
    return c;
}

static uint64_t unread_of(struct room *r, const char *user)
{
    struct store_port p = mem_store_port(r->k.mem);
    struct fp_id id = kit_id(user);
    struct store_member m = {0};
    bool found = false;
    struct store_conv c = conv_of(r);

    assert_int_equal(p.load_member(p.ctx, c.cid, &id, &m, &found), FP_OK);
    assert_true(found);
    return c.msgs - m.read_msgs;
}

static void keep_for(struct room *r, uint64_t days)
{
    struct kit_body b;

    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_uint(&b.e, FP_CONV_RETENTION);
    fp_enc_uint(&b.e, days);
    struct fp_command c = {.kind = FP_K_CONV_SET, .n = r->anna_n++, .conv = kit_id("kitchen"), .body = fp_enc_bytes_of(&b.e)};
    send(r, "anna-phone", &c);
    assert_true(kit_acked(&r->k, "anna-phone", r->anna_n - 1, conv_of(r).head));
}

static void what_is_too_old_goes_also_while_it_is_away(void **state)
{
    (void)state;
    struct room r;
    struct kit_body b;

    begin(&r, 5); /* up to 6 */
    keep_for(&r, 10);
    kit_pass(&r.k, 6 * DAY_MS);
    for (int i = 0; i < 4; i++) { /* 8 to 11 */
        struct fp_command c = kit_msg(&b, r.anna_n++, "kitchen", "later");
        send(&r, "anna-phone", &c);
    }
    uint8_t chain[32];
    memcpy(chain, conv_of(&r).chain, sizeof(chain));
    assert_int_equal(unread_of(&r, "ben"), 9);
    mem_store_set_away(r.k.mem, 7);
    kit_pass(&r.k, 5 * DAY_MS);
    kit_run(&r.k);
    kit_idle(&r.k);
    assert_int_equal(conv_of(&r).floor, 7);
    assert_int_equal(unread_of(&r, "ben"), 4); /* what he cannot read any more is not unread */
    assert_int_equal(unread_of(&r, "anna"), 0);
    assert_memory_equal(conv_of(&r).chain, chain, sizeof(chain));
    get(&r, 0, 11);
    check_answer(&r, 7, 8, 11);
    kit_close(&r.k);
}

/* ------------------------------------------------------------------ when it is looked at */

static struct {
    size_t calls;
    struct fp_wall before, overdue;
    enum fp_err err;
    bool more;
    const char *line;
} asked;

static enum fp_err note_archive(void *ctx, struct fp_wall before, struct fp_wall overdue, bool *out_more)
{
    (void)ctx;
    asked.calls++;
    asked.before = before;
    asked.overdue = overdue;
    *out_more = asked.more;
    return asked.err;
}

static const char *note_line(void *ctx)
{
    const char *line = asked.line;
    (void)ctx;
    asked.line = NULL;
    return line;
}

static size_t calls_within(struct kit *k, uint64_t ms)
{
    size_t before = asked.calls;
    kit_pass(k, ms);
    kit_run(k);
    assert_int_equal(k->last, FP_OK);
    return asked.calls - before;
}

static void open_counting(struct kit *k, struct mem_store *mem, bool archive, uint32_t days)
{
    struct store_port p = mem_store_port(mem);
    struct store_info info = mem_store_info(mem);

    memset(&asked, 0, sizeof(asked));
    p.archive = note_archive;
    p.line = note_line;
    kit_open_on(k, p, &info);
    k->config.archive = archive;
    k->config.archive_days = days;
    hub_reconfigure(k->hub, &k->config);
}

static void it_is_looked_at_in_small_steps_every_six_hours(void **state)
{
    (void)state;
    struct mem_store *mem = mem_store_new();
    struct kit k;

    open_counting(&k, mem, true, 90);
    asked.more = true;
    assert_int_equal(calls_within(&k, 1), 1);
    assert_int_equal(asked.before.ms, k.wall.ms - 90 * DAY_MS);
    assert_int_equal(asked.overdue.ms, k.wall.ms - 180 * DAY_MS);
    assert_int_equal(calls_within(&k, 49), 0);
    assert_int_equal(calls_within(&k, 1), 1); /* one step a turn, others in between */
    asked.more = false;
    assert_int_equal(calls_within(&k, 50), 1);
    assert_int_equal(calls_within(&k, 6 * 3600000 - 1), 0);
    asked.err = FP_EIO; /* its disk is gone: the hub goes on, and says what the store says */
    asked.line = "the disk is gone";
    for (int i = 0; i < 30; i++) {
        assert_int_equal(calls_within(&k, i == 0 ? 1 : 600000), 1);
    }
    assert_null(asked.line);
    assert_true(hub_wait_us(k.hub, k.mono) <= 600000000);
    kit_close(&k);
    mem_store_free(mem);
}

static void without_one_it_is_never_looked_at(void **state)
{
    (void)state;
    struct mem_store *mem = mem_store_new();
    struct kit k;

    open_counting(&k, mem, false, 90);
    assert_int_equal(calls_within(&k, DAY_MS / 2), 0);
    kit_close(&k);
    open_counting(&k, mem, true, 0); /* at once */
    assert_int_equal(calls_within(&k, 1), 1);
    assert_int_equal(asked.before.ms, k.wall.ms);
    assert_int_equal(asked.overdue.ms, k.wall.ms);
    assert_int_equal(calls_within(&k, 999), 0);
    assert_int_equal(calls_within(&k, 1), 1);
    kit_close(&k);
    mem_store_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_away_is_answered_like_what_is_below_a_floor), cmocka_unit_test(a_change_to_what_is_away_is_put_off_and_not_lost),
        cmocka_unit_test(a_batch_with_such_a_change_keeps_the_rest),           cmocka_unit_test(what_is_too_old_goes_also_while_it_is_away),
        cmocka_unit_test(it_is_looked_at_in_small_steps_every_six_hours),      cmocka_unit_test(without_one_it_is_never_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
