#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/hub_kit.h"

#define EVENTS "fp/1/scope/house/conv/kitchen/event"
#define ABOUT "fp/1/scope/house/conv/kitchen/about"
#define HEAD "fp/1/scope/house/conv/kitchen/head"

static const char *const two[] = {"ben", "carl"};
static const uint64_t manager_and_member[] = {FP_ROLE_MANAGER, FP_ROLE_MEMBER};

static void create(struct kit *k, const char *device, uint64_t n, const char *conv, const char *scope)
{
    struct kit_body b;
    struct fp_command c = kit_conv_new(&b, n, conv, scope, two, manager_and_member, 2);
    kit_send(k, device, &c);
    kit_run(k);
}

static bool about(const struct kit *k, struct fp_about *out)
{
    size_t found = SIZE_MAX;
    for (size_t at = fake_bus_find(&k->bus, ABOUT, 0); at != SIZE_MAX; at = fake_bus_find(&k->bus, ABOUT, at + 1)) {
        found = at;
    }
    return found != SIZE_MAX && fake_bus_at(&k->bus, found)->tell.retain && fp_about_decode(fake_bus_at(&k->bus, found)->tell.payload, out) == FP_OK;
}

static struct fp_command conv_set_title(struct kit_body *b, uint64_t n, const char *title, bool has_base, uint64_t base)
{
    fp_enc_init(&b->e, b->buf, sizeof(b->buf));
    fp_enc_map(&b->e, 1);
    fp_enc_uint(&b->e, FP_CONV_TITLE);
    fp_enc_text(&b->e, title, strlen(title));
    return (struct fp_command){
        .kind = FP_K_CONV_SET, .n = n, .conv = kit_id("kitchen"), .has_base = has_base, .base = base, .priority = 2, .body = fp_enc_bytes_of(&b->e)};
}

static void a_new_conversation_lets_its_members_in_before_it_speaks(void **state)
{
    (void)state;
    struct kit k;
    struct fp_about a;
    kit_open(&k);
    create(&k, "anna-phone", 1, "kitchen", "house");

    assert_true(kit_acked(&k, "anna-phone", 1, 1));
    size_t event = fake_bus_find(&k.bus, EVENTS, 0);
    assert_int_not_equal(event, SIZE_MAX);
    static const char *const all[] = {"anna", "ben", "carl"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(fake_bus_find_grant(&k.bus, TELL_GRANT_CONV, "kitchen", all[i], 0) < event);
        assert_true(fake_bus_find_grant(&k.bus, TELL_GRANT_SCOPE, "house", all[i], 0) < event);
    }
    assert_int_equal(fake_bus_count(&k.bus, "fp/1/user/ben/inbox"), 1);
    assert_true(about(&k, &a));
    assert_int_equal(a.version, 1);
    assert_int_equal(a.member_count, 3);
    assert_true(fp_bytes_eq(a.title, fp_bytes_of("Kitchen", 7)));
    size_t head = fake_bus_find(&k.bus, HEAD, 0);
    assert_true(head != SIZE_MAX && fake_bus_at(&k.bus, head)->tell.retain);
    kit_close(&k);
}

static void an_id_is_made_where_none_is_given(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    struct fp_answer first;
    struct fp_answer second;
    kit_open(&k);
    create(&k, "anna-phone", 1, NULL, "house");
    create(&k, "anna-phone", 2, NULL, "house");
    assert_true(kit_reply(&k, "anna-phone", 0, &r) && fp_reply_answer(&r, &first));
    assert_true(kit_reply(&k, "anna-phone", 1, &r) && fp_reply_answer(&r, &second));
    assert_false(fp_id_is_none(&first.conv));
    assert_false(fp_id_eq(&first.conv, &second.conv));
    kit_close(&k);
}

static void an_id_that_is_taken_is_a_conflict(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    create(&k, "anna-phone", 1, "kitchen", "house");
    create(&k, "anna-phone", 2, "kitchen", "house");
    assert_true(kit_nacked(&k, "anna-phone", FP_ECONFLICT));
    kit_close(&k);
}

static void a_standing_scope_is_not_anybodys(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    create(&k, "anna-phone", 1, "kitchen", "house");
    create(&k, "carl-phone", 1, "cellar", "house"); /* a member only */
    assert_true(kit_nacked(&k, "carl-phone", FP_EDENIED));
    create(&k, "dora-phone", 1, "cellar", "house"); /* nobody there */
    assert_true(kit_nacked(&k, "dora-phone", FP_EDENIED));
    create(&k, "ben-phone", 1, "cellar", "house"); /* a manager */
    assert_true(kit_acked(&k, "ben-phone", 1, 1));
    kit_close(&k);
}

static void anybody_begins_a_direct_conversation(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    k.config.open_scopes = false;
    hub_reconfigure(k.hub, &k.config);
    create(&k, "anna-phone", 1, "a-and-b", "dm");
    create(&k, "dora-phone", 1, "d-and-b", "dm");
    assert_true(kit_acked(&k, "dora-phone", 1, 1));
    create(&k, "dora-phone", 2, "attic", "other-house");
    assert_true(kit_nacked(&k, "dora-phone", FP_EDENIED));
    kit_close(&k);
}

static void a_title_is_changed_against_the_version_that_was_seen(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    struct fp_about a;
    struct fp_reply r;
    kit_open(&k);
    create(&k, "anna-phone", 1, "kitchen", "house");

    struct fp_command c = conv_set_title(&b, 1, "Bath", true, 1);
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "ben-phone", 1, 2));
    assert_true(about(&k, &a));
    assert_int_equal(a.version, 2);
    assert_true(fp_bytes_eq(a.title, fp_bytes_of("Bath", 4)));

    c = conv_set_title(&b, 2, "Attic", true, 1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "anna-phone", FP_ESTALE));
    assert_true(kit_reply(&k, "anna-phone", 1, &r));
    assert_int_equal(fp_about_decode(r.as.nack.current, &a), FP_OK);
    assert_true(a.version == 2 && fp_bytes_eq(a.title, fp_bytes_of("Bath", 4)));
    kit_close(&k);
}

static void members_do_not_change_the_title(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    kit_open(&k);
    create(&k, "anna-phone", 1, "kitchen", "house");
    struct fp_command c = conv_set_title(&b, 1, "Bath", false, 0);
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "carl-phone", FP_EDENIED));
    kit_close(&k);
}

static void only_an_owner_changes_the_retention(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    kit_open(&k);
    create(&k, "anna-phone", 1, "kitchen", "house");
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_uint(&b.e, FP_CONV_RETENTION);
    fp_enc_uint(&b.e, 30);
    struct fp_command c = {.kind = FP_K_CONV_SET, .n = 1, .conv = kit_id("kitchen"), .priority = 2, .body = fp_enc_bytes_of(&b.e)};
    kit_send(&k, "ben-phone", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-phone", FP_EDENIED));
    c.n = 2;
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "anna-phone", 2, 2));
    kit_close(&k);
}

static void too_many_first_members_are_refused(void **state)
{
    (void)state;
    struct kit k;
    kit_open(&k);
    k.config.members = 2;
    hub_reconfigure(k.hub, &k.config);
    create(&k, "anna-phone", 1, "kitchen", "house");
    assert_true(kit_nacked(&k, "anna-phone", FP_ETOOLARGE));
    k.config.members = 3;
    hub_reconfigure(k.hub, &k.config);
    create(&k, "anna-phone", 2, "kitchen", "house");
    assert_true(kit_acked(&k, "anna-phone", 2, 1));
    kit_close(&k);
}

static void a_service_does_everything_everywhere(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    kit_open(&k);
    k.config.services[0] = kit_id("platform");
    k.config.service_count = 1;
    hub_reconfigure(k.hub, &k.config);
    create(&k, "anna-phone", 1, "kitchen", "house");
    struct fp_command c = conv_set_title(&b, 1, "Bath", false, 0);
    kit_send(&k, "platform", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "platform", 1, 2));
    c = kit_msg(&b, 2, "kitchen", "the bid is in");
    kit_send(&k, "platform", &c);
    kit_run(&k);
    assert_true(kit_acked(&k, "platform", 2, 3));
    create(&k, "platform", 3, "cellar", "house");
    assert_true(kit_acked(&k, "platform", 3, 1));
    kit_close(&k);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_conversation_lets_its_members_in_before_it_speaks),
        cmocka_unit_test(an_id_is_made_where_none_is_given),
        cmocka_unit_test(an_id_that_is_taken_is_a_conflict),
        cmocka_unit_test(a_standing_scope_is_not_anybodys),
        cmocka_unit_test(anybody_begins_a_direct_conversation),
        cmocka_unit_test(a_title_is_changed_against_the_version_that_was_seen),
        cmocka_unit_test(members_do_not_change_the_title),
        cmocka_unit_test(only_an_owner_changes_the_retention),
        cmocka_unit_test(too_many_first_members_are_refused),
        cmocka_unit_test(a_service_does_everything_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
