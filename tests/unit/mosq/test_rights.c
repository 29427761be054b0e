#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/mosq/fake_reader.h"

static struct fp_id id(const char *text)
{
    struct fp_id out;
    assert_true(fp_id_parse(text, strlen(text), &out));
    return out;
}

static void grant(struct rights *r, enum tell_kind kind, const char *what, const char *user, bool allowed, uint64_t change)
{
    rights_grant(r, &(struct rights_grant){.kind = kind, .id = id(what), .user = id(user), .allowed = allowed, .change = change});
}

struct fixture {
    struct fake_reader reader;
    struct rights rights;
};

static int set_up(void **state)
{
    static struct fixture f;

    f.reader = (struct fake_reader){.settled = true};
    *state = &f;
    return rights_init(&f.rights, 1024, fake_reader_port(&f.reader), 7);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    rights_fini(&f->rights);
    return 0;
}

static void a_settled_answer_is_looked_up_once(void **state)
{
    struct fixture *f = *state;
    struct fp_id conv = id("c"), user = id("u"), other = id("v");

    f->reader.allowed = true;
    assert_true(rights_conv(&f->rights, &conv, &user));
    f->reader.allowed = false;
    assert_true(rights_conv(&f->rights, &conv, &user));
    assert_int_equal(f->reader.calls, 1);
    assert_int_equal(f->reader.applied, 7);
    assert_false(rights_conv(&f->rights, &conv, &other));
    assert_false(rights_scope(&f->rights, &conv, &user)); /* a scope of that name is another thing */
    assert_int_equal(f->reader.calls, 3);
}

static void an_unsettled_answer_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct fp_id conv = id("c"), user = id("u");

    f->reader.settled = false;
    assert_false(rights_conv(&f->rights, &conv, &user));
    assert_false(rights_scope(&f->rights, &conv, &user));
    f->reader.allowed = true;
    assert_true(rights_conv(&f->rights, &conv, &user));
    assert_true(rights_scope(&f->rights, &conv, &user));
    assert_int_equal(f->reader.calls, 4);
}

static void a_grant_is_the_last_word_and_is_not_looked_up(void **state)
{
    struct fixture *f = *state;
    struct fp_id conv = id("c"), user = id("u");

    grant(&f->rights, TELL_GRANT_CONV, "c", "u", true, 8);
    assert_true(rights_conv(&f->rights, &conv, &user));
    grant(&f->rights, TELL_GRANT_CONV, "c", "u", false, 9);
    assert_false(rights_conv(&f->rights, &conv, &user));
    grant(&f->rights, TELL_GRANT_SCOPE, "s", "u", true, 9);
    struct fp_id scope = id("s");
    assert_true(rights_scope(&f->rights, &scope, &user));
    assert_int_equal(f->reader.calls, 0);
    assert_int_equal(f->rights.applied, 9);
    grant(&f->rights, TELL_GRANT_SCOPE, "t", "u", true, 3);
    assert_int_equal(f->rights.applied, 9); /* W2 */
}

static void a_failed_look_up_says_no_and_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct fp_id conv = id("c"), user = id("u"), owner;

    f->reader.err = FP_EIO;
    f->reader.allowed = true;
    assert_false(rights_conv(&f->rights, &conv, &user));
    assert_false(rights_scope(&f->rights, &conv, &user));
    assert_false(rights_peers(&f->rights, &conv, &user));
    assert_false(rights_device(&f->rights, &conv, &owner));
    f->reader.open = true;
    assert_false(rights_open(&f->rights, &user));
    assert_int_equal(f->rights.failures, 5);
    f->reader.err = FP_OK;
    assert_true(rights_conv(&f->rights, &conv, &user));
    assert_true(rights_peers(&f->rights, &conv, &user));
    assert_true(rights_open(&f->rights, &user));
}

static void peers_are_kept_until_any_scope_changes(void **state)
{
    struct fixture *f = *state;
    struct fp_id a = id("a"), b = id("b");

    f->reader.allowed = true;
    assert_true(rights_peers(&f->rights, &a, &b));
    f->reader.allowed = false;
    assert_true(rights_peers(&f->rights, &a, &b));
    grant(&f->rights, TELL_GRANT_CONV, "c", "x", true, 10);
    assert_true(rights_peers(&f->rights, &a, &b));
    grant(&f->rights, TELL_GRANT_SCOPE, "s", "x", true, 11);
    assert_false(rights_peers(&f->rights, &a, &b));
    assert_int_equal(f->reader.calls, 2);
}

static void a_device_keeps_its_owner_but_not_its_having_none(void **state)
{
    struct fixture *f = *state;
    struct fp_id device = id("d"), owner, anna = id("anna");

    assert_true(rights_device(&f->rights, &device, &owner));
    assert_true(fp_id_is_none(&owner));
    f->reader.owner = anna;
    f->reader.found = true;
    assert_true(rights_device(&f->rights, &device, &owner));
    assert_true(fp_id_eq(&owner, &anna));
    assert_true(rights_device(&f->rights, &device, &owner));
    assert_int_equal(f->reader.calls, 2);
    grant(&f->rights, TELL_GRANT_DEVICE, "e", "ben", true, 0);
    device = id("e");
    assert_true(rights_device(&f->rights, &device, &owner));
    assert_int_equal(owner.len, 3);
    assert_int_equal(f->reader.calls, 2);
}

static void who_is_open_is_looked_up_once_and_then_told(void **state)
{
    struct fixture *f = *state;
    struct fp_id anna = id("anna"), ben = id("ben");

    f->reader.open = true;
    assert_true(rights_open(&f->rights, &anna));
    assert_true(rights_open(&f->rights, &anna));
    assert_int_equal(f->reader.calls, 1);
    rights_grant(&f->rights, &(struct rights_grant){.kind = TELL_OPEN, .user = anna, .allowed = false, .change = 99});
    assert_false(rights_open(&f->rights, &anna));
    assert_true(rights_open(&f->rights, &ben));
    assert_int_equal(f->reader.calls, 2);
    assert_int_equal(f->rights.applied, 7); /* no membership change */
}

static void a_device_is_in_the_background_until_it_is_back_or_gone(void **state)
{
    struct fixture *f = *state;
    struct fp_id tablet = id("tablet"), phone = id("phone");

    assert_false(rights_idle(&f->rights, &tablet));
    for (int i = 0; i < 2; i++) { /* telling it again changes nothing */
        grant(&f->rights, TELL_IDLE, "tablet", "anna", true, 0);
        assert_true(rights_idle(&f->rights, &tablet));
        assert_false(rights_idle(&f->rights, &phone));
    }
    grant(&f->rights, TELL_IDLE, "phone", "anna", true, 0);
    grant(&f->rights, TELL_IDLE, "tablet", "anna", false, 0);
    assert_false(rights_idle(&f->rights, &tablet));
    assert_true(rights_idle(&f->rights, &phone));
    rights_gone(&f->rights, &phone);
    assert_false(rights_idle(&f->rights, &phone));
    rights_gone(&f->rights, &phone);
    grant(&f->rights, TELL_IDLE, "phone", "anna", false, 0);
    grant(&f->rights, TELL_IDLE, "tablet", "anna", true, 0); /* what is left is given back with the rest */
    assert_int_equal(f->reader.calls, 0);
    assert_int_equal(f->rights.applied, 7);
}

static void a_full_table_forgets_but_never_mixes_up(void **state)
{
    struct fixture *f = *state;
    char text[16];

    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "c%u", i);
        grant(&f->rights, TELL_GRANT_CONV, text, "u", i % 3 == 0, i);
    }
    f->reader.calls = 0;
    f->reader.settled = false;
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "c%u", i);
        struct fp_id conv = id(text), user = id("u");
        f->reader.allowed = i % 3 == 0; /* what the store would say */
        assert_int_equal(rights_conv(&f->rights, &conv, &user), i % 3 == 0);
    }
    assert_in_range(f->reader.calls, 20000 - 1024, 20000 - 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_settled_answer_is_looked_up_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unsettled_answer_is_asked_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_grant_is_the_last_word_and_is_not_looked_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_look_up_says_no_and_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(peers_are_kept_until_any_scope_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_keeps_its_owner_but_not_its_having_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_open_is_looked_up_once_and_then_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_is_in_the_background_until_it_is_back_or_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_forgets_but_never_mixes_up, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
