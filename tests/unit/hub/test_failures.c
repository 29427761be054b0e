/* What goes wrong is said in the log, once, in words; and a clock that is ten years off deletes nothing and makes nothing old. */
#include "plugin/hub/site.h"
#include "tests/unit/hub/relay_kit.h"

#define TEN_YEARS_MS (10ULL * 365 * 86400000)

static struct rk_batch batch;

static size_t lines(const struct kit *k, const char *text)
{
    size_t count = 0;
    for (size_t at = fake_bus_find_line(&k->bus, text, 0); at != SIZE_MAX; at = fake_bus_find_line(&k->bus, text, at + 1)) {
        count++;
    }
    return count;
}

/* ------------------------------------------------------------------ a relay, as the hub's log tells of it */

static void a_relay_that_comes_and_goes_is_told_with_the_reason(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    assert_int_equal(lines(&k, "relay ridge: up"), 1);
    rk_hello(&k); /* the same session */
    assert_int_equal(lines(&k, "relay ridge: up"), 1);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    assert_int_equal(lines(&k, "relay ridge: down (its connection has ended)"), 1);
    rk_hello(&k);
    assert_int_equal(lines(&k, "relay ridge: up"), 2);
    kit_pass(&k, 26000); /* a half-open link: nobody says that it is gone */
    kit_run(&k);
    assert_int_equal(lines(&k, "relay ridge: down (nothing was heard for 25 s)"), 1);
    assert_int_equal(rk_ops(&k, "up"), 0);
    assert_int_equal(rk_ops(&k, "lost"), 2);
    kit_close(&k);
}

static void a_link_that_flaps_does_not_fill_the_log(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    for (size_t i = 0; i < 500; i++) {
        rk_hello(&k);
        kit_relay_gone(&k, "ridge");
        kit_run(&k);
        kit_pass(&k, 50);
    }
    assert_in_range(lines(&k, "relay ridge"), 30, 120);
    kit_pass(&k, 5000);
    rk_hello(&k);
    assert_int_not_equal(lines(&k, "lines like the last ones were left out"), 0);
    assert_int_equal(rk_ops(&k, "lost"), 500);
    kit_close(&k);
}

static void a_restored_hub_says_so_once(void **state)
{
    struct kit k;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    struct fp_trunk_hello h = rk_hello_of();
    h.lanes[2] = (struct fp_lane_range){.oldest = 40, .next = 41}; /* a hub had those that are gone, but not this one */
    for (size_t i = 0; i < 5; i++) {
        rk_say_hello(&k, h, NULL, 0);
        kit_run(&k);
        kit_pass(&k, 60000);
    }
    assert_true(rk_told(&k, FP_TRUNK_RESET, 4, &f));
    assert_int_equal(f.as.reset.reason, FP_RESET_HUB_IS_OLDER);
    assert_int_equal(lines(&k, "relay ridge: this hub is older than what the relay has of it"), 1);
    assert_int_equal(rk_ops(&k, "older"), 1);
    kit_close(&k);
}

static void a_restored_site_is_told_to_begin_a_new_log(void **state)
{
    struct kit k;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    rk_hello(&k); /* of yesterday: its next one is 1 again */
    assert_true(rk_told(&k, FP_TRUNK_RESET, 0, &f));
    assert_int_equal(f.as.reset.reason, FP_RESET_RELAY_IS_OLDER);
    assert_int_equal(lines(&k, "relay ridge: its database is older than what it has said before"), 1);
    kit_close(&k);
}

static uint64_t start_told(struct kit *k)
{
    struct fp_trunk f;
    kit_clear(k);
    rk_hello(k);
    assert_true(rk_told(k, FP_TRUNK_WELCOME, 0, &f));
    return f.as.welcome.start;
}

static void welcome_names_the_start_of_the_hub(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    uint64_t start = start_told(&k);
    assert_int_not_equal(start, 0);
    kit_pass(&k, 5000);
    assert_int_equal(start_told(&k), start);
    kit_restart(&k);
    rk_rights(&k);
    assert_int_not_equal(start_told(&k), start);
    kit_close(&k);
}

static void a_gap_names_what_is_expected(void **state)
{
    struct kit k;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_add_msg(&batch, "ben", "ben-pad", 4, "kitchen");
    rk_add_msg(&batch, "ben", "ben-pad", 2, "field");
    rk_send(&k, &batch, FP_LANE_MESSAGES, 1);
    kit_run(&k);
    assert_true(rk_told(&k, FP_TRUNK_REFUSE, 0, &f));
    assert_int_equal(f.as.refuse.code, FP_EGAP);
    assert_int_equal(f.as.refuse.next_n, 2);
    assert_true(rk_told(&k, FP_TRUNK_REFUSE, 1, &f));
    assert_int_equal(f.as.refuse.code, FP_EDENIED);
    assert_int_equal(f.as.refuse.next_n, 0);
    kit_close(&k);
}

/* ------------------------------------------------------------------ a database without room */

static void a_full_database_is_told_once_a_minute(void **state)
{
    struct kit k;
    struct kit_body b;
    (void)state;
    rk_open(&k);
    fault_store_arm(&k.fault, 1, FP_EFULL, true);
    for (size_t i = 0; i < 100; i++) {
        struct fp_command c = kit_msg(&b, 2, "kitchen", "hello");
        kit_send(&k, "anna-phone", &c);
        kit_run(&k);
        assert_true(kit_nacked(&k, "anna-phone", FP_EFULL));
        kit_pass(&k, 1000);
    }
    fault_store_disarm(&k.fault);
    assert_int_equal(lines(&k, "the database is full"), 2);
    assert_int_equal(hub_stats(k.hub)->full, 100);
    kit_close(&k);
}

/* ------------------------------------------------------------------ clocks */

static void set_retention(struct kit *k, uint64_t n, uint64_t days)
{
    struct kit_body b;
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_uint(&b.e, FP_CONV_RETENTION);
    fp_enc_uint(&b.e, days);
    struct fp_command c = {.kind = FP_K_CONV_SET, .n = n, .conv = kit_id("kitchen"), .body = fp_enc_bytes_of(&b.e), .priority = FP_PRIORITY_NORMAL};
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    assert_true(kit_acked(k, "anna-phone", n, 2));
}

static uint64_t floor_of(const struct kit *k)
{
    struct store_conv c = {0};
    struct store_port p = mem_store_port(k->mem);
    struct fp_id id = kit_id("kitchen");
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    return c.floor;
}

static void turns(struct kit *k, size_t minutes)
{
    for (size_t i = 0; i < minutes; i++) {
        kit_pass(k, 60000);
        kit_run(k);
        kit_idle(k);
    }
}

static void a_clock_that_jumps_ten_years_deletes_nothing_for_an_hour(void **state)
{
    struct kit k;
    uint64_t n = 3;
    (void)state;
    rk_open(&k);
    set_retention(&k, 2, 30);
    rk_write(&k, "kitchen", &n, 5);
    turns(&k, 1);
    rk_write(&k, "kitchen", &n, 5);
    k.wall.ms += TEN_YEARS_MS;
    turns(&k, 50);
    assert_int_equal(lines(&k, "the clock was set forward by 315360000 s"), 1);
    assert_int_equal(hub_stats(k.hub)->clock_jumps, 1);
    assert_int_equal(floor_of(&k), 0);
    k.wall.ms -= TEN_YEARS_MS; /* somebody has read the line */
    turns(&k, 200);
    assert_int_equal(lines(&k, "the clock was set back by 315360000 s"), 1);
    assert_int_equal(floor_of(&k), 0);
    k.wall.ms += TEN_YEARS_MS; /* and where it stays, it is the time */
    turns(&k, 200);
    assert_true(floor_of(&k) > 0);
    kit_close(&k);
}

static void a_clock_that_runs_is_no_jump(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    kit_pass(&k, TEN_YEARS_MS); /* nobody came */
    kit_run(&k);
    k.wall.ms += 5000; /* a clock that is put right by a little */
    turns(&k, 1);
    assert_int_equal(lines(&k, "the clock"), 0);
    assert_int_equal(hub_stats(k.hub)->clock_jumps, 0);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_that_comes_and_goes_is_told_with_the_reason),
        cmocka_unit_test(a_link_that_flaps_does_not_fill_the_log),
        cmocka_unit_test(a_restored_hub_says_so_once),
        cmocka_unit_test(a_restored_site_is_told_to_begin_a_new_log),
        cmocka_unit_test(welcome_names_the_start_of_the_hub),
        cmocka_unit_test(a_gap_names_what_is_expected),
        cmocka_unit_test(a_full_database_is_told_once_a_minute),
        cmocka_unit_test(a_clock_that_jumps_ten_years_deletes_nothing_for_an_hour),
        cmocka_unit_test(a_clock_that_runs_is_no_jump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
