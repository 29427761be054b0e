#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/core/chain.h"
#include "tests/support/hub_kit.h"
#include "tests/support/sim_random.h"

#define HEAD "fp/1/scope/house/conv/kitchen/head"
#define DAY_MS 86400000ULL
#define HOUR_MS 3600000ULL

struct room { /* a kit, and where its two devices have got to */
    struct kit k;
    uint64_t anna_n, ben_n;
};

static void begin(struct room *r)
{
    static const char *const members[] = {"ben"};
    static const uint64_t roles[] = {1};
    struct kit_body b;
    kit_open(&r->k);
    r->anna_n = r->ben_n = 1;
    struct fp_command c = kit_conv_new(&b, r->anna_n++, "kitchen", "house", members, roles, 1);
    kit_send(&r->k, "anna-phone", &c);
    kit_run(&r->k);
    kit_idle(&r->k);
}

static void end(struct room *r)
{
    kit_close(&r->k);
}

static void say(struct room *r, const char *device)
{
    struct kit_body b;
    uint64_t *n = strcmp(device, "anna-phone") == 0 ? &r->anna_n : &r->ben_n;
    struct fp_command c = kit_msg(&b, (*n)++, "kitchen", "hello");
    kit_send(&r->k, device, &c);
    kit_run(&r->k);
    assert_int_equal(r->k.last, FP_OK);
}

static void say_many(struct room *r, int count)
{
    for (int i = 0; i < count; i++) {
        say(r, "anna-phone");
    }
}

static void keep_for(struct room *r, uint64_t days)
{
    uint8_t buf[16];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 1);
    fp_enc_uint(&e, FP_CONV_RETENTION);
    fp_enc_uint(&e, days);
    struct fp_command c = {
        .kind = FP_K_CONV_SET, .n = r->anna_n++, .conv = kit_id("kitchen"), .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
    kit_send(&r->k, "anna-phone", &c);
    kit_run(&r->k);
    assert_int_equal(r->k.last, FP_OK);
}

static void pass(struct room *r, uint64_t ms)
{
    kit_pass(&r->k, ms);
    kit_run(&r->k);
    assert_int_equal(r->k.last, FP_OK);
    for (int i = 0; i < 100 && hub_wait_us(r->k.hub, r->k.mono) <= 1000; i++) { /* a long history goes in steps */
        kit_pass(&r->k, 1);
        kit_idle(&r->k);
        assert_int_equal(r->k.last, FP_OK);
    }
}

static void read_upto(struct room *r, const char *device, uint64_t seq)
{
    uint8_t buf[32];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 1);
    fp_enc_text(&e, "kitchen", 7);
    fp_enc_array(&e, 2);
    fp_enc_uint(&e, seq);
    fp_enc_uint(&e, seq);
    struct fp_command c = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
    kit_clear(&r->k);
    kit_send(&r->k, device, &c);
    kit_run(&r->k);
    assert_int_equal(r->k.last, FP_OK);
    struct fp_reply reply;
    if (kit_reply(&r->k, device, 0, &reply)) {
        fail_msg("refused: %.*s", (int)reply.as.nack.reason.len, (const char *)reply.as.nack.reason.p);
    }
}

/* ------------------------------------------------------------------ what is there */

struct held {
    uint64_t first, last;
    uint64_t unread, read, from; /* of whom, from where on */
    struct fp_id user;
    struct fp_wall oldest;
};

static bool look(void *arg, const struct store_run *run)
{
    struct held *w = arg;
    struct fp_bytes rest = run->events;
    struct fp_bytes one;
    struct fp_event ev;
    w->first = w->first == 0 ? run->first : w->first;
    w->oldest = w->oldest.ms == 0 ? run->at : w->oldest;
    w->last = run->last;
    while (fp_run_next(&rest, &one)) {
        assert_int_equal(fp_event_decode(one, &ev), FP_OK);
        w->unread += ev.kind == FP_K_MSG && !fp_id_eq(&ev.user, &w->user) && ev.seq > w->read && ev.seq >= w->from;
    }
    return true;
}

static struct held held(struct room *r, const char *user)
{
    struct store_port p = mem_store_port(r->k.mem);
    struct held w = {.user = kit_id(user)};
    struct store_receipt receipt;
    struct store_member m;
    bool found = false;
    assert_int_equal(p.load_receipt(p.ctx, 1, &w.user, &receipt), FP_OK);
    assert_int_equal(p.load_member(p.ctx, 1, &w.user, &m, &found), FP_OK);
    w.read = receipt.read;
    w.from = found ? m.from : 0;
    assert_int_equal(p.each_run(p.ctx, 1, 1, UINT64_MAX >> 1, look, &w), FP_OK);
    return w;
}

static struct store_conv kitchen(struct room *r)
{
    struct store_port p = mem_store_port(r->k.mem);
    struct fp_id id = kit_id("kitchen");
    struct store_conv c;
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    assert_true(found);
    return c;
}

static uint64_t floor_of(struct room *r)
{
    return kitchen(r).floor;
}

/* What is left must lead from the chain at the floor to the one at the head, which has seen all of it. */
static bool extend(void *arg, const struct store_run *run)
{
    assert_int_equal(chain_extend_run(arg, run->events, run->last), FP_OK);
    return true;
}

static void assert_chain_goes_on_from_the_floor(struct room *r)
{
    struct store_port p = mem_store_port(r->k.mem);
    struct store_conv c = kitchen(r);
    struct chain at = {0};
    memcpy(at.digest, c.floor_chain, CHAIN_BYTES);
    assert_int_equal(p.each_run(p.ctx, c.cid, c.floor + 1, c.head, extend, &at), FP_OK);
    assert_memory_equal(at.digest, c.chain, CHAIN_BYTES);
}

static bool count_timer(void *arg, const struct store_timer *t)
{
    assert_int_equal(t->kind, STORE_TIMER_RETENTION);
    ++*(size_t *)arg;
    return true;
}

static size_t timers(struct room *r)
{
    size_t count = 0;
    struct store_port p = mem_store_port(r->k.mem);
    assert_int_equal(p.each_timer(p.ctx, count_timer, &count), FP_OK);
    return count;
}

static struct fp_conv_head welcome(struct room *r, const char *device)
{
    struct kit_body b;
    struct fp_reply reply;
    struct fp_conv_head h = {0};
    kit_clear(&r->k);
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(&r->k, device, &c);
    kit_run(&r->k);
    assert_true(kit_reply(&r->k, device, 0, &reply));
    assert_int_equal(reply.what, FP_REPLY_WELCOME);
    assert_true(fp_reply_head(&reply, &h));
    return h;
}

static void assert_unread_is_a_recount(struct room *r, const char *user, const char *device)
{
    assert_int_equal(welcome(r, device).unread, held(r, user).unread);
}

static struct fp_head last_head(struct room *r)
{
    struct fp_head h = {0};
    for (size_t at = fake_bus_find(&r->k.bus, HEAD, 0); at != SIZE_MAX; at = fake_bus_find(&r->k.bus, HEAD, at + 1)) {
        assert_int_equal(fp_head_decode(fake_bus_at(&r->k.bus, at)->tell.payload, &h), FP_OK);
    }
    return h;
}

/* ------------------------------------------------------------------ */

static void what_is_older_goes_and_the_head_tells_the_floor(void **state)
{
    (void)state;
    struct room r;
    begin(&r);
    keep_for(&r, 7); /* seq 2 */
    say_many(&r, 5); /* 3 to 7 */
    pass(&r, 4 * DAY_MS);
    say_many(&r, 5); /* 8 to 12 */
    assert_int_equal(floor_of(&r), 0);
    pass(&r, 3 * DAY_MS - HOUR_MS);
    assert_int_equal(floor_of(&r), 0);
    kit_clear(&r.k);
    pass(&r, 2 * HOUR_MS);
    assert_int_equal(floor_of(&r), 7);
    struct held w = held(&r, "ben");
    assert_int_equal(w.first, 8);
    assert_int_equal(w.last, 12);
    assert_int_equal(last_head(&r).floor, 7);
    assert_int_equal(last_head(&r).seq, 12);
    assert_int_equal(welcome(&r, "ben-phone").floor, 7);
    assert_chain_goes_on_from_the_floor(&r);
    end(&r);
}

static void a_get_below_the_floor_is_a_snapshot_and_then_what_is_left(void **state)
{
    (void)state;
    struct room r;
    struct kit_body b;
    struct fp_reply reply;
    begin(&r);
    keep_for(&r, 7);
    say_many(&r, 5);
    pass(&r, 6 * DAY_MS);
    say_many(&r, 3); /* 8 to 10 */
    pass(&r, 2 * DAY_MS);
    assert_int_equal(floor_of(&r), 7);
    kit_clear(&r.k);
    struct fp_command c = kit_get(&b, "kitchen", 4, 0, 0, false);
    kit_send(&r.k, "ben-phone", &c);
    kit_run(&r.k);
    kit_idle(&r.k);
    assert_true(kit_reply(&r.k, "ben-phone", 0, &reply));
    assert_int_equal(reply.what, FP_REPLY_SNAPSHOT);
    assert_int_equal(reply.as.snapshot.floor, 7);
    assert_true(kit_reply(&r.k, "ben-phone", 1, &reply));
    assert_int_equal(reply.what, FP_REPLY_PAGE);
    assert_int_equal(reply.as.page.from, 8);
    assert_int_equal(reply.as.page.to, 10);
    end(&r);
}

static void the_last_run_stays_however_old_it_is(void **state)
{
    (void)state;
    struct room r;
    begin(&r);
    keep_for(&r, 1);
    say_many(&r, 3); /* to 5 */
    for (int i = 0; i < 20; i++) {
        pass(&r, DAY_MS);
    }
    assert_int_equal(floor_of(&r), 4);
    assert_int_equal(held(&r, "ben").first, 5);
    assert_true(hub_wait_us(r.k.hub, r.k.mono) > 1000000); /* and the hub does not look for more all the time */
    kit_restart(&r.k);
    say(&r, "anna-phone");
    assert_true(kit_acked(&r.k, "anna-phone", r.anna_n - 1, 6));
    pass(&r, 2 * HOUR_MS);
    assert_int_equal(floor_of(&r), 5);
    end(&r);
}

static void retention_that_is_taken_back_takes_nothing_more(void **state)
{
    (void)state;
    struct room r;
    begin(&r);
    keep_for(&r, 1);
    say_many(&r, 3);
    keep_for(&r, 0);
    for (int i = 0; i < 10; i++) {
        pass(&r, DAY_MS);
    }
    assert_int_equal(floor_of(&r), 0);
    keep_for(&r, 2); /* seq 7, and at once there is much to take */
    pass(&r, 1);
    assert_int_equal(floor_of(&r), 6);
    assert_int_equal(timers(&r), 1);
    keep_for(&r, UINT64_MAX);
    assert_int_equal(timers(&r), 0);
    pass(&r, 30 * DAY_MS);
    assert_int_equal(floor_of(&r), 6);
    end(&r);
}

static void a_conversation_may_begin_with_a_retention(void **state)
{
    (void)state;
    struct room r;
    uint8_t buf[64];
    struct fp_enc e;
    begin(&r);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 3);
    fp_enc_uint(&e, FP_CONV_SCOPE);
    fp_enc_text(&e, "house", 5);
    fp_enc_uint(&e, FP_CONV_TITLE);
    fp_enc_text(&e, "Cellar", 6);
    fp_enc_uint(&e, FP_CONV_RETENTION);
    fp_enc_uint(&e, 3);
    struct fp_command c = {
        .kind = FP_K_CONV_NEW, .n = r.anna_n++, .conv = kit_id("cellar"), .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
    kit_send(&r.k, "anna-phone", &c);
    kit_run(&r.k);
    struct kit_body b;
    c = kit_msg(&b, r.anna_n++, "cellar", "hello");
    kit_send(&r.k, "anna-phone", &c);
    kit_run(&r.k);
    pass(&r, 3 * DAY_MS + HOUR_MS);
    struct store_port p = mem_store_port(r.k.mem);
    struct fp_id id = kit_id("cellar");
    struct store_conv conv;
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &conv, &found), FP_OK);
    assert_int_equal(conv.floor, 1);
    end(&r);
}

static void what_can_be_read_no_more_is_not_unread(void **state)
{
    (void)state;
    struct room r;
    struct kit_body b;
    begin(&r);
    keep_for(&r, 7);
    say_many(&r, 4);      /* 3 to 6 */
    say(&r, "ben-phone"); /* 7 */
    say_many(&r, 2);      /* 8, 9 */
    read_upto(&r, "ben-phone", 4);
    pass(&r, 6 * DAY_MS);
    say_many(&r, 3); /* 10 to 12 */
    say(&r, "ben-phone");
    assert_int_equal(welcome(&r, "ben-phone").unread, 7);
    pass(&r, 2 * DAY_MS); /* 9 is the floor */
    assert_int_equal(floor_of(&r), 9);
    assert_int_equal(welcome(&r, "ben-phone").unread, 3);
    assert_unread_is_a_recount(&r, "ben", "ben-phone");
    read_upto(&r, "ben-phone", 8); /* late, and below the floor */
    assert_int_equal(welcome(&r, "ben-phone").unread, 3);
    read_upto(&r, "ben-phone", 11);
    assert_int_equal(welcome(&r, "ben-phone").unread, 1);
    assert_unread_is_a_recount(&r, "ben", "ben-phone");
    struct fp_command c = kit_member(&b, r.anna_n++, FP_K_MEMBER_ADD, "kitchen", "cleo", 1, 1); /* may see all that is left */
    kit_send(&r.k, "anna-phone", &c);
    kit_run(&r.k);
    assert_unread_is_a_recount(&r, "cleo", "cleo-phone");
    assert_int_equal(welcome(&r, "cleo-phone").unread, 4);
    end(&r);
}

/* What was said before he came was never his to read, so it is not counted as read a second time. */
static void who_came_later_loses_what_he_had_not_read_and_no_more(void **state)
{
    (void)state;
    struct room r;
    struct kit_body b;
    begin(&r);
    keep_for(&r, 7);
    say_many(&r, 4); /* 3 to 6 */
    struct fp_command c = kit_member(&b, r.anna_n++, FP_K_MEMBER_ADD, "kitchen", "cleo", 1, -1);
    kit_send(&r.k, "anna-phone", &c);
    kit_run(&r.k);   /* 7 */
    say_many(&r, 3); /* 8 to 10 */
    pass(&r, 6 * DAY_MS);
    say_many(&r, 2);
    assert_int_equal(welcome(&r, "cleo-phone").unread, 5);
    pass(&r, 2 * DAY_MS);
    assert_int_equal(floor_of(&r), 10);
    assert_int_equal(welcome(&r, "cleo-phone").unread, 2);
    assert_unread_is_a_recount(&r, "cleo", "cleo-phone");
    end(&r);
}

static void a_long_history_goes_in_steps(void **state)
{
    (void)state;
    struct room r;
    begin(&r);
    say_many(&r, 300);
    pass(&r, 10 * DAY_MS);
    say(&r, "anna-phone"); /* 302 */
    kit_clear(&r.k);
    keep_for(&r, 2);
    kit_pass(&r.k, 1);
    kit_run(&r.k);
    uint64_t first = floor_of(&r);
    assert_true(first > 0 && first < 300);
    assert_true(hub_wait_us(r.k.hub, r.k.mono) <= 1000);
    pass(&r, 1000);
    assert_int_equal(floor_of(&r), 301);
    assert_chain_goes_on_from_the_floor(&r);
    assert_unread_is_a_recount(&r, "ben", "ben-phone");
    end(&r);
}

static enum fp_err (*real_scrub)(void *ctx);
static int scrubs;

static enum fp_err count_scrub(void *ctx)
{
    scrubs++;
    return real_scrub(ctx);
}

static void many_conversations_that_lose_runs_are_scrubbed_at_once(void **state)
{
    (void)state;
    struct room r;
    struct kit_body b;
    static const char *const names[] = {"c1", "c2", "c3", "c4"};
    begin(&r);
    kit_pass(&r.k, 120000);
    kit_idle(&r.k);
    for (size_t i = 0; i < 4; i++) {
        uint8_t buf[64];
        struct fp_enc e;
        fp_enc_init(&e, buf, sizeof(buf));
        fp_enc_map(&e, 2);
        fp_enc_uint(&e, FP_CONV_SCOPE);
        fp_enc_text(&e, "house", 5);
        fp_enc_uint(&e, FP_CONV_RETENTION);
        fp_enc_uint(&e, 3);
        struct fp_command c = {
            .kind = FP_K_CONV_NEW, .n = r.anna_n++, .conv = kit_id(names[i]), .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&e)};
        kit_send(&r.k, "anna-phone", &c);
        kit_run(&r.k);
        c = kit_msg(&b, r.anna_n++, names[i], "hello");
        kit_send(&r.k, "anna-phone", &c);
        kit_run(&r.k);
        kit_pass(&r.k, 300000);
    }
    real_scrub = r.k.fault.inner.scrub;
    r.k.fault.inner.scrub = count_scrub;
    scrubs = 0;
    for (int i = 0; i < 3 * 24 * 60 + 120; i++) {
        pass(&r, 60000);
    }
    struct store_port p = mem_store_port(r.k.mem);
    for (size_t i = 0; i < 4; i++) {
        struct fp_id id = kit_id(names[i]);
        struct store_conv conv;
        bool found = false;
        assert_int_equal(p.load_conv(p.ctx, &id, &conv, &found), FP_OK);
        assert_int_equal(conv.floor, 1);
    }
    assert_int_equal(scrubs, 1);
    end(&r);
}

/* Whichever call fails: the runs, the floor and what is unread fit each other, and in the end all has gone that had to. */
static void a_store_that_fails_at_any_call_leaves_no_half_a_step(void **state)
{
    (void)state;
    bool reached_the_end = false;
    for (uint64_t call = 1; !reached_the_end; call++) {
        struct room r;
        begin(&r);
        keep_for(&r, 7);
        say_many(&r, 3);
        pass(&r, 6 * DAY_MS);
        say_many(&r, 2); /* 6 and 7 */
        kit_pass(&r.k, 2 * DAY_MS);
        fault_store_arm(&r.k.fault, call, FP_EIO, false);
        kit_run(&r.k);
        reached_the_end = r.k.fault.failed == 0;
        fault_store_disarm(&r.k.fault);
        assert_chain_goes_on_from_the_floor(&r);
        assert_int_equal(held(&r, "ben").first, floor_of(&r) + 1);
        assert_unread_is_a_recount(&r, "ben", "ben-phone");
        pass(&r, 5000);
        assert_int_equal(floor_of(&r), 5);
        assert_unread_is_a_recount(&r, "ben", "ben-phone");
        end(&r);
        assert_true(call < 200);
    }
}

static void whoever_reads_and_writes_in_any_order_unread_is_a_recount(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct sim_random rng = {.state = seed};
        struct room r;
        print_message("seed %d\n", (int)seed);
        begin(&r);
        keep_for(&r, 3);
        for (int step = 0; step < 150; step++) {
            uint64_t head = r.anna_n + r.ben_n - 2;
            struct held w;
            switch (sim_below(&rng, 6)) {
            case 0:
            case 1:
                say(&r, "anna-phone");
                break;
            case 2:
                say(&r, "ben-phone");
                break;
            case 3:
                read_upto(&r, sim_chance(&rng, 500) ? "ben-phone" : "anna-phone", sim_below(&rng, head + 1));
                break;
            default:
                pass(&r, HOUR_MS + sim_below(&rng, DAY_MS));
                w = held(&r, "ben");
                assert_true(w.first == w.last || w.oldest.ms + 3 * DAY_MS + HOUR_MS > r.k.wall.ms);
            }
            assert_unread_is_a_recount(&r, "ben", "ben-phone");
            assert_unread_is_a_recount(&r, "anna", "anna-phone");
            assert_int_equal(held(&r, "ben").first, floor_of(&r) + 1);
            assert_chain_goes_on_from_the_floor(&r);
        }
        assert_true(floor_of(&r) > 0);
        end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_older_goes_and_the_head_tells_the_floor),
        cmocka_unit_test(a_get_below_the_floor_is_a_snapshot_and_then_what_is_left),
        cmocka_unit_test(the_last_run_stays_however_old_it_is),
        cmocka_unit_test(retention_that_is_taken_back_takes_nothing_more),
        cmocka_unit_test(a_conversation_may_begin_with_a_retention),
        cmocka_unit_test(what_can_be_read_no_more_is_not_unread),
        cmocka_unit_test(who_came_later_loses_what_he_had_not_read_and_no_more),
        cmocka_unit_test(a_long_history_goes_in_steps),
        cmocka_unit_test(many_conversations_that_lose_runs_are_scrubbed_at_once),
        cmocka_unit_test(a_store_that_fails_at_any_call_leaves_no_half_a_step),
        cmocka_unit_test(whoever_reads_and_writes_in_any_order_unread_is_a_recount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
