/* What operators are told. */
#include "tests/unit/hub/relay_kit.h"

#define TIMES "fp/1/ops/times"
#define ALERTS "fp/1/ops/alerts"
#define CONNS "fp/1/ops/conns"

static struct fp_mono measured; /* moves by 100 us with each look */
static size_t looks;

static struct fp_mono look(void)
{
    looks++;
    measured.us += 100;
    return measured;
}

static void watch(struct kit *k)
{
    k->config.ops = true;
    k->config.clock = look;
    hub_reconfigure(k->hub, &k->config);
}

static void second(struct kit *k)
{
    kit_pass(k, 1000);
    kit_run(k);
}

/* The last report on that topic. */
static struct fp_dec report(const struct kit *k, const char *topic)
{
    size_t at = SIZE_MAX;
    for (size_t next = fake_bus_find(&k->bus, topic, 0); next != SIZE_MAX; next = fake_bus_find(&k->bus, topic, at + 1)) {
        at = next;
    }
    assert_int_not_equal(at, SIZE_MAX);
    const struct tell *t = &fake_bus_at(&k->bus, at)->tell;
    const char *why = NULL;
    struct fp_dec d;
    assert_true(t->retain);
    assert_int_equal(fp_cbor_check(t->payload, NULL, &why), FP_OK);
    fp_dec_init(&d, t->payload);
    return d;
}

static bool is(struct fp_bytes text, const char *what)
{
    return text.len == strlen(what) && memcmp(text.p, what, text.len) == 0;
}

/* Goes to the value of that name. */
static struct fp_dec value_of(struct fp_dec d, const char *name)
{
    for (size_t left = fp_dec_map(&d); left > 0; left--) {
        if (is(fp_dec_text(&d), name)) {
            return d;
        }
        fp_dec_skip(&d);
    }
    fail_msg("no %s", name);
    return d;
}

static uint64_t number(struct fp_dec d, const char *name)
{
    d = value_of(d, name);
    return fp_dec_uint(&d);
}

static uint64_t counted(struct fp_dec d, const char *name, size_t bucket)
{
    uint64_t count = 0;
    d = value_of(d, name);
    size_t len = fp_dec_array(&d);
    for (size_t i = 0; i <= bucket && i < len; i++) {
        count = fp_dec_uint(&d);
    }
    return bucket < len ? count : 0;
}

/* The index-th row of a list. */
static struct fp_dec row(struct fp_dec d, size_t index)
{
    size_t len = fp_dec_array(&d);
    assert_true(index < len);
    while (index-- > 0) {
        fp_dec_skip(&d);
    }
    return d;
}

static size_t rows(struct fp_dec d)
{
    return fp_dec_array(&d);
}

static void say(struct kit *k, uint64_t n)
{
    struct kit_body b;
    struct fp_command c = n == 1 ? kit_conv_new(&b, 1, "kitchen", "house", NULL, NULL, 0) : kit_msg(&b, n, "kitchen", "hello");
    kit_send(k, "anna-phone", &c);
}

static void hello(struct kit *k, const char *device)
{
    struct kit_body b;
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_send(k, device, &c);
    kit_run(k);
}

static void a_batch_of_many_is_measured_by_three_looks_at_the_clock(void **state)
{
    struct kit k;
    (void)state;
    kit_open(&k);
    watch(&k);
    kit_idle(&k);
    measured = k.mono;
    looks = 0;
    for (uint64_t n = 1; n <= 100; n++) {
        say(&k, n);
    }
    kit_run(&k);
    assert_int_equal(looks, 3); /* O1 */
    second(&k);
    struct fp_dec d = report(&k, TIMES);
    assert_int_equal(counted(d, "commit_us", 7), 1); /* 100 us */
    assert_int_equal(number(d, "commit_us_max"), 100);
    assert_int_equal(counted(d, "answer_us", 9), 100); /* 300 us */
    assert_int_equal(number(d, "answer_us_max"), 300);
    assert_int_equal(counted(d, "batch", 7), 1);
    assert_int_equal(number(d, "batch_max"), 100);
    second(&k);
    d = report(&k, TIMES);
    assert_int_equal(number(d, "commit_us_max"), 0); /* of that second */
    assert_int_equal(counted(d, "commit_us", 7), 1); /* since the start */
    kit_close(&k);
}

static void without_operators_nothing_is_measured(void **state)
{
    struct kit k;
    (void)state;
    kit_open(&k);
    k.config.clock = look;
    hub_reconfigure(k.hub, &k.config);
    looks = 0;
    say(&k, 1);
    kit_run(&k);
    hello(&k, "anna-phone");
    second(&k);
    assert_int_equal(looks, 0);
    assert_int_equal(fake_bus_count(&k.bus, TIMES) + fake_bus_count(&k.bus, ALERTS) + fake_bus_count(&k.bus, CONNS), 0);
    kit_close(&k);
}

static void a_full_disk_is_an_alert_until_there_is_room(void **state)
{
    struct kit k;
    (void)state;
    kit_open(&k);
    watch(&k);
    second(&k);
    assert_int_equal(rows(report(&k, ALERTS)), 0);
    second(&k);
    assert_int_equal(fake_bus_count(&k.bus, ALERTS), 1); /* nothing has changed */
    mem_store_set_used(k.mem, 91);
    second(&k);
    uint64_t since = k.wall.ms;
    assert_int_equal(number(report(&k, "fp/1/ops/disk"), "percent"), 91);
    assert_int_equal(number(report(&k, "fp/1/ops/disk"), "quota_bytes"), 100);
    mem_store_set_used(k.mem, 92);
    second(&k);
    struct fp_dec d = row(report(&k, ALERTS), 0);
    struct fp_dec what = value_of(d, "what");
    assert_true(is(fp_dec_text(&what), "disk"));
    assert_int_equal(number(d, "value"), 92);
    assert_true(number(d, "since") == since);
    mem_store_set_used(k.mem, 65);
    second(&k);
    assert_int_equal(rows(report(&k, ALERTS)), 1);
    mem_store_set_used(k.mem, 64);
    second(&k);
    assert_int_equal(rows(report(&k, ALERTS)), 0);
    size_t told = fake_bus_count(&k.bus, ALERTS);
    mem_store_set_used(k.mem, 69); /* not again before 70 */
    second(&k);
    assert_int_equal(fake_bus_count(&k.bus, ALERTS), told);
    kit_close(&k);
}

static struct fault_store *failing;
static struct store_port whole;

static enum fp_err fail_once(void *ctx)
{
    failing->inner = whole;
    whole.rollback(ctx);
    return FP_EIO;
}

static void commits_that_fail_are_an_alert_for_a_minute(void **state)
{
    struct kit k;
    (void)state;
    kit_open(&k);
    watch(&k);
    second(&k);
    whole = k.fault.inner;
    failing = &k.fault;
    k.fault.inner.commit = fail_once;
    say(&k, 1);
    kit_run(&k);
    second(&k);
    struct fp_dec d = row(report(&k, ALERTS), 0);
    struct fp_dec what = value_of(d, "what");
    assert_true(is(fp_dec_text(&what), "commit_failures"));
    assert_int_equal(number(d, "value"), 1);
    kit_pass(&k, 58000);
    kit_run(&k);
    assert_int_equal(rows(report(&k, ALERTS)), 1);
    kit_pass(&k, 2000);
    kit_run(&k);
    assert_int_equal(rows(report(&k, ALERTS)), 0);
    kit_close(&k);
}

static void a_relay_that_is_down_is_an_alert_with_its_name(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    watch(&k);
    second(&k);
    struct fp_dec who = value_of(row(report(&k, ALERTS), 0), "who");
    struct fp_id ridge = kit_id("ridge");
    struct fp_id id = fp_dec_id(&who);
    assert_true(fp_id_eq(&id, &ridge));
    rk_hello(&k);
    second(&k);
    assert_int_equal(rows(report(&k, ALERTS)), 0);
    kit_close(&k);
}

static void a_story_is(struct kit *k, size_t index, const char *expected, const char *device)
{
    struct fp_dec d = row(report(k, CONNS), index);
    struct fp_dec what = value_of(d, "what");
    struct fp_dec who = value_of(d, "device");
    struct fp_id want = kit_id(device);
    struct fp_id id = fp_dec_id(&who);
    assert_true(is(fp_dec_text(&what), expected));
    assert_true(fp_id_eq(&id, &want));
}

static void sessions_that_begin_and_end_are_told_in_their_order(void **state)
{
    struct kit k;
    (void)state;
    kit_open(&k);
    watch(&k);
    second(&k);
    assert_int_equal(fake_bus_count(&k.bus, CONNS), 0);
    hello(&k, "anna-phone");
    hello(&k, "anna-phone"); /* the same session */
    kit_disconnect(&k, "anna-phone");
    hello(&k, "bob-phone");
    second(&k);
    assert_int_equal(rows(report(&k, CONNS)), 3);
    a_story_is(&k, 0, "connected", "anna-phone");
    a_story_is(&k, 1, "lost", "anna-phone");
    a_story_is(&k, 2, "connected", "bob-phone");
    size_t told = fake_bus_count(&k.bus, CONNS);
    second(&k);
    assert_int_equal(fake_bus_count(&k.bus, CONNS), told);
    for (size_t i = 0; i < 100; i++) {
        kit_disconnect(&k, "bob-phone");
        hello(&k, "bob-phone");
    }
    second(&k);
    assert_int_equal(rows(report(&k, CONNS)), 64);
    a_story_is(&k, 63, "connected", "bob-phone");
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_of_many_is_measured_by_three_looks_at_the_clock),
        cmocka_unit_test(without_operators_nothing_is_measured),
        cmocka_unit_test(a_full_disk_is_an_alert_until_there_is_room),
        cmocka_unit_test(commits_that_fail_are_an_alert_for_a_minute),
        cmocka_unit_test(a_relay_that_is_down_is_an_alert_with_its_name),
        cmocka_unit_test(sessions_that_begin_and_end_are_told_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
