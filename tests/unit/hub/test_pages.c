#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#include <stdlib.h>

#include <zlib.h>

static const char *const ben[] = {"ben"};
static const uint64_t as_member[] = {FP_ROLE_MEMBER};

#define TEXT_BYTES 1000

/* A conversation with `messages` messages of 1,000 bytes behind its first event; Ben is a member. */
static void open_kitchen(struct kit *k, uint64_t messages)
{
    struct kit_body b;
    char text[TEXT_BYTES + 1];
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", ben, as_member, 1);
    kit_send(k, "anna-phone", &c);
    for (uint64_t n = 2; n < messages + 2; n++) {
        c = kit_msg(&b, n, "kitchen", text);
        kit_send(k, "anna-phone", &c);
        if (n % 200 == 0) {
            kit_run(k);
        }
    }
    kit_run(k);
    kit_idle(k);
    kit_clear(k);
}

static void get(struct kit *k, uint64_t after, uint64_t upto, uint64_t bytes, bool zlib)
{
    struct kit_body b;
    struct fp_command c = kit_get(&b, "kitchen", after, upto, bytes, zlib);
    kit_send(k, "ben-pad", &c);
    kit_run(k);
    kit_idle(k);
}

static struct fp_bytes inflated(const struct fp_page *p, uint8_t *buf, size_t cap)
{
    uLongf len = cap;
    if (!p->zlib) {
        return p->content;
    }
    assert_int_equal(uncompress(buf, &len, p->content.p, p->content.len), Z_OK);
    return fp_bytes_of(buf, len);
}

struct walk {
    uint64_t last;
    size_t pages;
    size_t events;
    size_t bytes;
    bool more;
};

/* All pages told to Ben: each begins where the one before ended, and holds what it says. */
static struct walk walk_pages(const struct kit *k, uint64_t after)
{
    static uint8_t buf[1U << 20];
    struct walk w = {.last = after};
    struct fp_reply r;
    for (size_t i = 0; kit_reply(k, "ben-pad", i, &r); i++) {
        if (r.what != FP_REPLY_PAGE) {
            continue;
        }
        assert_int_equal(r.as.page.from, w.last + 1);
        struct fp_bytes array = inflated(&r.as.page, buf, sizeof(buf));
        assert_true(array.len <= FP_PAGE_BYTES_MAX + 16);
        struct fp_dec d;
        fp_dec_init(&d, array);
        for (size_t left = fp_dec_array(&d); left > 0; left--) {
            assert_int_equal(fp_event_seq(fp_dec_raw(&d)), ++w.last);
            w.events++;
        }
        assert_true(fp_dec_done(&d));
        assert_int_equal(r.as.page.to, w.last);
        w.pages++;
        w.bytes += array.len;
        w.more = r.as.page.more;
    }
    return w;
}

static void a_history_comes_whole_in_pages(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 500);
    get(&k, 0, 0, 0, false);
    struct walk w = walk_pages(&k, 0);
    assert_int_equal(w.last, 501);
    assert_true(w.pages >= 8 && w.pages <= 16);
    assert_false(w.more);
    kit_close(&k);
}

static void a_range_is_cut_to_the_event(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 100);
    get(&k, 37, 58, 0, false);
    struct walk w = walk_pages(&k, 37);
    assert_int_equal(w.last, 58);
    assert_int_equal(w.events, 21);
    kit_close(&k);
}

static void credit_ends_a_request_and_the_device_asks_again(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 300);
    get(&k, 0, 0, 100000, false);
    struct walk w = walk_pages(&k, 0);
    assert_true(w.last < 301 && w.bytes >= 60000 && w.bytes <= 110000);
    assert_false(w.more);
    kit_clear(&k);
    get(&k, w.last, 0, 0, false);
    assert_int_equal(walk_pages(&k, w.last).last, 301);
    kit_close(&k);
}

static void a_credit_of_one_byte_brings_one_event(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 10);
    get(&k, 3, 0, 1, false);
    struct walk w = walk_pages(&k, 3);
    assert_int_equal(w.events, 1);
    kit_close(&k);
}

static void a_request_without_credit_stops_at_the_hubs(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 1500);
    get(&k, 0, 0, 0, false);
    struct walk w = walk_pages(&k, 0);
    assert_true(w.last < 1501);
    assert_true(w.bytes >= FP_PAGE_CREDIT_BYTES - FP_PAGE_BYTES_MAX && w.bytes <= FP_PAGE_CREDIT_BYTES + FP_PAGE_BYTES_MAX);
    assert_false(w.more);
    kit_close(&k);
}

static void nothing_to_tell_is_told_as_an_empty_page(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    open_kitchen(&k, 3);
    get(&k, 4, 0, 0, false);
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    assert_int_equal(r.what, FP_REPLY_PAGE);
    assert_int_equal(r.as.page.from, 5);
    assert_int_equal(r.as.page.to, 4);
    assert_false(r.as.page.more);
    get(&k, 4000, 0, 0, false); /* a cursor of another epoch */
    assert_true(kit_reply(&k, "ben-pad", 1, &r));
    assert_int_equal(r.as.page.to, 4000);
    kit_close(&k);
}

static void deflated_pages_hold_the_same_and_are_smaller(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    open_kitchen(&k, 200);
    get(&k, 0, 0, 0, true);
    assert_int_equal(walk_pages(&k, 0).last, 201);
    assert_true(kit_reply(&k, "ben-pad", 0, &r));
    assert_true(r.as.page.zlib && r.as.page.content.len < 8000);
    kit_close(&k);
}

static void pages_of_two_devices_take_turns_and_live_traffic_goes_between(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k, 700);
    struct fp_command c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(&k, "ben-pad", &c);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    size_t ben_now = kit_replies(&k, "ben-pad");
    size_t anna_now = kit_replies(&k, "anna-phone");
    assert_int_equal(ben_now, 2);
    assert_int_equal(anna_now, 2);
    c = kit_msg(&b, 702, "kitchen", "live");
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/scope/house/conv/kitchen/event"), 1);
    kit_idle(&k);
    assert_int_equal(walk_pages(&k, 0).last, 701);
    kit_close(&k);
}

static void pages_wait_while_the_broker_is_behind(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k, 10);
    k.bus.no_room = true;
    struct fp_command c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_int_equal(kit_replies(&k, "ben-pad"), 0);
    assert_int_not_equal(hub_wait_us(k.hub, k.mono), UINT64_MAX);
    k.bus.no_room = false;
    kit_idle(&k);
    assert_int_equal(walk_pages(&k, 0).last, 11);
    kit_close(&k);
}

static void who_is_put_out_gets_no_further_page(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k, 700);
    struct fp_command c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    size_t before = kit_replies(&k, "ben-pad");
    c = kit_member(&b, 702, FP_K_MEMBER_REMOVE, "kitchen", "ben", -1, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(kit_replies(&k, "ben-pad"), before);
    kit_close(&k);
}

static void who_disconnects_gets_no_further_page(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k, 700);
    struct fp_command c = kit_get(&b, "kitchen", 0, 0, 0, false);
    kit_send(&k, "ben-pad", &c);
    kit_disconnect(&k, "ben-pad");
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(kit_replies(&k, "ben-pad"), 0);
    kit_close(&k);
}

static void a_page_ends_inside_a_run_where_pages_are_small(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k, 60);
    k.config.page_bytes = 4096;
    hub_reconfigure(k.hub, &k.config);
    get(&k, 0, 0, 0, false);
    struct walk w = walk_pages(&k, 0);
    assert_int_equal(w.last, 61);
    assert_true(w.pages >= 15);
    kit_close(&k);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_comes_whole_in_pages),
        cmocka_unit_test(a_range_is_cut_to_the_event),
        cmocka_unit_test(credit_ends_a_request_and_the_device_asks_again),
        cmocka_unit_test(a_credit_of_one_byte_brings_one_event),
        cmocka_unit_test(a_request_without_credit_stops_at_the_hubs),
        cmocka_unit_test(nothing_to_tell_is_told_as_an_empty_page),
        cmocka_unit_test(deflated_pages_hold_the_same_and_are_smaller),
        cmocka_unit_test(pages_of_two_devices_take_turns_and_live_traffic_goes_between),
        cmocka_unit_test(pages_wait_while_the_broker_is_behind),
        cmocka_unit_test(who_is_put_out_gets_no_further_page),
        cmocka_unit_test(who_disconnects_gets_no_further_page),
        cmocka_unit_test(a_page_ends_inside_a_run_where_pages_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
