#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fp/body.h"
#include "plugin/hub/trunk.h"
#include "tests/support/hub_kit.h"

#define TYPING "fp/1/scope/house/conv/kitchen/typing"

/* Anna's kitchen in the house, with Ben, and Olga who only looks; site-b serves it, site-a does not. */
static void open_kitchen(struct kit *k)
{
    static const char *const members[] = {"ben", "olga"};
    static const uint64_t roles[] = {1, 0};
    struct kit_body b;

    kit_open(k);
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", members, roles, 2);
    kit_send(k, "anna-phone", &c);
    kit_run(k);
    kit_idle(k);
    kit_pass(k, 11000); /* what a start brings along is over */
    kit_idle(k);
    kit_clear(k);
    k->config.relays[0] = (struct hub_relay){.relay = kit_id("site-b"), .scope_count = 1};
    k->config.relays[0].scopes[0] = kit_id("house");
    k->config.relays[1] = (struct hub_relay){.relay = kit_id("site-a"), .scope_count = 1};
    k->config.relays[1].scopes[0] = kit_id("garden");
    k->config.relay_count = 2;
    hub_reconfigure(k->hub, &k->config);
}

static void types(struct kit *k, const char *device, bool on)
{
    static const uint8_t yes[] = {0xf5}, no[] = {0xf4};
    struct fp_command c = {.kind = FP_K_TYPING, .conv = kit_id("kitchen"), .priority = FP_PRIORITY_NORMAL, .body = fp_bytes_of(on ? yes : no, 1)};
    kit_send(k, device, &c);
    kit_run(k);
    kit_idle(k);
}

/* NULL ends the names. */
static void far_types(struct kit *k, const char *via, const char *conv, const char *one, const char *two)
{
    struct fp_id relay = kit_id(via), id = kit_id(conv), users[2];
    size_t count = 0;
    if (one) {
        users[count++] = kit_id(one);
    }
    if (two) {
        users[count++] = kit_id(two);
    }
    kit_run(k); /* it is said now */
    typing_remote(k->hub, &relay, &id, users, count);
    kit_run(k);
    kit_idle(k);
}

/* Of the digest told last; -1: none was. */
static int shown(const struct kit *k)
{
    struct fp_typing t = {0};
    int count = -1;
    for (size_t i = fake_bus_find(&k->bus, TYPING, 0); i != SIZE_MAX; i = fake_bus_find(&k->bus, TYPING, i + 1)) {
        assert_int_equal(fp_typing_decode(fake_bus_at(&k->bus, i)->tell.payload, &t), FP_OK);
        count = (int)t.count;
    }
    return count;
}

static void pass(struct kit *k, uint64_t ms)
{
    kit_pass(k, ms);
    kit_idle(k);
}

static void who_types_at_a_site_is_shown_and_ends_by_himself(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    far_types(&k, "site-b", "kitchen", "ben", NULL);
    assert_int_equal(shown(&k), 1);
    pass(&k, 3000);
    far_types(&k, "site-b", "kitchen", "ben", NULL);
    pass(&k, 5999);
    assert_int_equal(shown(&k), 1);
    pass(&k, 1);
    assert_int_equal(shown(&k), 0);
    pass(&k, 1000);
    assert_true(hub_wait_us(k.hub, k.mono) > 10000000); /* nothing is left of it */
    kit_close(&k);
}

static void who_is_named_no_more_has_stopped(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    far_types(&k, "site-b", "kitchen", "ben", "anna");
    assert_int_equal(shown(&k), 2);
    pass(&k, 1000);
    far_types(&k, "site-b", "kitchen", "anna", NULL);
    assert_int_equal(shown(&k), 1);
    far_types(&k, "site-b", "kitchen", NULL, NULL);
    assert_int_equal(shown(&k), 0);
    kit_close(&k);
}

static void who_types_here_too_goes_on(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    types(&k, "ben-phone", true);
    far_types(&k, "site-b", "kitchen", "ben", "anna");
    pass(&k, 1000);
    assert_int_equal(shown(&k), 2); /* Ben once */
    far_types(&k, "site-b", "kitchen", NULL, NULL);
    pass(&k, 1000);
    assert_int_equal(shown(&k), 1);
    kit_close(&k);
}

static void a_lost_link_ends_it_at_once(void **state)
{
    (void)state;
    struct kit k;
    struct fp_id via = kit_id("site-b");
    open_kitchen(&k);
    far_types(&k, "site-b", "kitchen", "ben", NULL);
    assert_int_equal(shown(&k), 1);
    typing_remote_lost(k.hub, &via);
    kit_run(&k);
    assert_int_equal(shown(&k), 0);
    kit_close(&k);
}

static void a_client_of_that_name_ends_nothing(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    struct fp_command c = kit_hello(&b, NULL, 0);
    kit_as(&k, "ben", "site-b", &c);
    kit_run(&k);
    far_types(&k, "site-b", "kitchen", "ben", NULL);
    kit_disconnect(&k, "site-b");
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(shown(&k), 1);
    kit_close(&k);
}

static void a_message_ends_it(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    far_types(&k, "site-b", "kitchen", "ben", NULL);
    struct fp_command c = kit_msg(&b, 1, "kitchen", "done");
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    kit_idle(&k);
    assert_int_equal(shown(&k), 0);
    kit_close(&k);
}

static void hides(struct kit *k, const char *device)
{
    struct kit_body b;
    struct fp_policy_rule rule = {.viewer_kind = FP_VIEWER_EVERYONE, .level = FP_LEVEL_HIDDEN};
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_body_policy_begin(&b.e, 1);
    fp_body_policy_rule(&b.e, &rule);
    struct fp_command c = {.kind = FP_K_POLICY, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(k, device, &c);
    kit_run(k);
    kit_idle(k);
}

static void nobody_is_shown_who_could_not_be_here(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    hides(&k, "anna-phone");
    far_types(&k, "site-b", "kitchen", "olga", "zoe"); /* she only looks, and she is a stranger */
    far_types(&k, "site-b", "kitchen", "anna", NULL);  /* hides */
    far_types(&k, "site-b", "attic", "ben", NULL);     /* no such conversation */
    far_types(&k, "site-a", "kitchen", "ben", NULL);   /* of no scope of this relay */
    far_types(&k, "site-z", "kitchen", "ben", NULL);   /* no relay at all */
    pass(&k, 2000);
    assert_int_equal(shown(&k), -1);
    kit_close(&k);
}

static void a_flood_of_names_ends_where_there_are_no_rows_left(void **state)
{
    (void)state;
    struct kit k;
    struct fp_id via = kit_id("site-b"), conv = kit_id("kitchen"), users[300];
    open_kitchen(&k);
    for (size_t i = 0; i < 300; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "u%zu", i);
        users[i] = kit_id(name);
    }
    users[0] = kit_id("ben");
    typing_remote(k.hub, &via, &conv, users, 300);
    kit_run(&k);
    assert_int_equal(shown(&k), 1);
    kit_close(&k);
}

/* ------------------------------------------------------------------ who types here */

/* How many rows; the typists of the first into *out_names. */
static size_t local(struct kit *k, size_t *out_names)
{
    static uint8_t buf[4096];
    struct fp_bytes rows;
    size_t count = 0;
    struct fp_enc e;
    struct fp_trunk t;
    struct fp_trunk_typing row = {0};

    kit_run(k);
    assert_int_equal(typing_local(k->hub, &rows, &count), FP_OK);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_trunk_live(&e, false, false, 0, fp_bytes_of(NULL, 0), count, rows);
    assert_int_equal(fp_trunk_decode(fp_enc_bytes_of(&e), &t), FP_OK);
    assert_int_equal(t.as.live.typing_count, count);
    if (count > 0) {
        assert_true(fp_trunk_typing(&t.as.live, &row));
    }
    *out_names = row.count;
    return count;
}

static void what_has_changed_here_is_passed_on_once(void **state)
{
    (void)state;
    struct kit k;
    size_t names = 0;
    open_kitchen(&k);
    assert_int_equal(local(&k, &names), 0);
    types(&k, "ben-phone", true);
    types(&k, "ben-pad", true);
    assert_int_equal(local(&k, &names), 1);
    assert_int_equal(names, 1);
    assert_int_equal(local(&k, &names), 0);
    pass(&k, 1500);
    types(&k, "ben-pad", false);
    assert_int_equal(local(&k, &names), 0); /* he goes on */
    types(&k, "anna-phone", true);
    assert_int_equal(local(&k, &names), 1);
    assert_int_equal(names, 2);
    types(&k, "anna-phone", false);
    types(&k, "ben-phone", false);
    pass(&k, 1500); /* told here by now, and still to be told there */
    assert_int_equal(local(&k, &names), 1);
    assert_int_equal(names, 0);
    assert_int_equal(local(&k, &names), 0);
    pass(&k, 10000);
    assert_true(hub_wait_us(k.hub, k.mono) > 10000000); /* nothing is left of it */
    kit_close(&k);
}

static void who_goes_on_is_named_again_before_he_is_forgotten(void **state)
{
    (void)state;
    struct kit k;
    size_t names = 0;
    open_kitchen(&k);
    types(&k, "ben-phone", true);
    assert_int_equal(local(&k, &names), 1);
    pass(&k, 2999);
    types(&k, "ben-phone", true);
    assert_int_equal(local(&k, &names), 0);
    pass(&k, 1);
    assert_int_equal(local(&k, &names), 1);
    assert_int_equal(names, 1);
    kit_close(&k);
}

static void who_types_there_is_not_sent_back(void **state)
{
    (void)state;
    struct kit k;
    size_t names = 0;
    open_kitchen(&k);
    far_types(&k, "site-b", "kitchen", "ben", NULL);
    assert_int_equal(local(&k, &names), 0);
    kit_close(&k);
}

static void what_no_trunk_asks_for_is_not_kept(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    types(&k, "ben-phone", true);
    pass(&k, 6000);
    pass(&k, 1000);
    assert_true(hub_wait_us(k.hub, k.mono) > 10000000);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_types_at_a_site_is_shown_and_ends_by_himself),
        cmocka_unit_test(who_is_named_no_more_has_stopped),
        cmocka_unit_test(who_types_here_too_goes_on),
        cmocka_unit_test(a_lost_link_ends_it_at_once),
        cmocka_unit_test(a_client_of_that_name_ends_nothing),
        cmocka_unit_test(a_message_ends_it),
        cmocka_unit_test(nobody_is_shown_who_could_not_be_here),
        cmocka_unit_test(a_flood_of_names_ends_where_there_are_no_rows_left),
        cmocka_unit_test(what_has_changed_here_is_passed_on_once),
        cmocka_unit_test(who_goes_on_is_named_again_before_he_is_forgotten),
        cmocka_unit_test(who_types_there_is_not_sent_back),
        cmocka_unit_test(what_no_trunk_asks_for_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
