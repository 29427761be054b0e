#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fp/command.h"
#include "fp/keys.h"
#include "plugin/core/access.h"

/* CONTRACT.md, "Who may do what", row by row. */
static void each_role_may_do_what_the_contract_says(void **state)
{
    (void)state;
    static const struct {
        uint8_t role;
        bool may[ACCESS_ACTS]; /* read, msg, title, retention, add, remove, role, moderate */
    } rows[] = {
        {FP_ROLE_OBSERVER, {true, false, false, false, false, false, false, false}},
        {FP_ROLE_MEMBER, {true, true, false, false, false, false, false, false}},
        {FP_ROLE_MANAGER, {true, true, true, false, true, true, false, true}},
        {FP_ROLE_OWNER, {true, true, true, true, true, true, true, true}},
        {FP_ROLE_SERVICE, {true, true, true, true, true, true, true, true}},
        {FP_ROLE_NONE, {false, false, false, false, false, false, false, false}},
        {7, {false, false, false, false, false, false, false, false}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int act = 0; act < ACCESS_ACTS; act++) {
            assert_int_equal(access_may(rows[i].role, (enum access_act)act), rows[i].may[act]);
        }
    }
}

static enum fp_err change(uint8_t actor, uint8_t target, uint8_t wanted, bool self, size_t other_owners, size_t others)
{
    const char *why = NULL;
    struct access_change c = {.actor = actor, .self = self, .target = target, .wanted = wanted, .other_owners = other_owners, .others = others};
    enum fp_err err = access_change(&c, &why);
    assert_true(err == FP_OK || why != NULL);
    return err;
}

static void a_manager_changes_members_below_his_own_role_only(void **state)
{
    (void)state;
    assert_int_equal(change(FP_ROLE_MANAGER, FP_ROLE_NONE, FP_ROLE_MEMBER, false, 1, 5), FP_OK);
    assert_int_equal(change(FP_ROLE_MANAGER, FP_ROLE_NONE, FP_ROLE_MANAGER, false, 1, 5), FP_EDENIED);
    assert_int_equal(change(FP_ROLE_MANAGER, FP_ROLE_MEMBER, FP_ROLE_NONE, false, 1, 5), FP_OK);
    assert_int_equal(change(FP_ROLE_MANAGER, FP_ROLE_MANAGER, FP_ROLE_NONE, false, 1, 5), FP_EDENIED);
    assert_int_equal(change(FP_ROLE_MANAGER, FP_ROLE_OWNER, FP_ROLE_NONE, false, 1, 5), FP_EDENIED);
    assert_int_equal(change(FP_ROLE_MANAGER, FP_ROLE_OBSERVER, FP_ROLE_MEMBER, false, 1, 5), FP_EDENIED);
}

static void an_owner_changes_anybody(void **state)
{
    (void)state;
    assert_int_equal(change(FP_ROLE_OWNER, FP_ROLE_NONE, FP_ROLE_OWNER, false, 1, 5), FP_OK);
    assert_int_equal(change(FP_ROLE_OWNER, FP_ROLE_OWNER, FP_ROLE_MEMBER, false, 1, 5), FP_OK);
    assert_int_equal(change(FP_ROLE_OWNER, FP_ROLE_MANAGER, FP_ROLE_NONE, false, 1, 5), FP_OK);
}

static void members_and_observers_change_nobody_but_may_leave(void **state)
{
    (void)state;
    for (uint8_t role = FP_ROLE_OBSERVER; role <= FP_ROLE_MEMBER; role++) {
        assert_int_equal(change(role, FP_ROLE_NONE, FP_ROLE_OBSERVER, false, 1, 5), FP_EDENIED);
        assert_int_equal(change(role, FP_ROLE_MEMBER, FP_ROLE_NONE, false, 1, 5), FP_EDENIED);
        assert_int_equal(change(role, FP_ROLE_MEMBER, FP_ROLE_OWNER, false, 1, 5), FP_EDENIED);
        assert_int_equal(change(role, role, FP_ROLE_OWNER, true, 1, 5), FP_EDENIED);
        assert_int_equal(change(role, role, FP_ROLE_NONE, true, 1, 5), FP_OK);
    }
}

static void the_last_owner_stays_while_others_remain(void **state)
{
    (void)state;
    assert_int_equal(change(FP_ROLE_OWNER, FP_ROLE_OWNER, FP_ROLE_NONE, true, 0, 1), FP_EDENIED);
    assert_int_equal(change(FP_ROLE_OWNER, FP_ROLE_OWNER, FP_ROLE_MEMBER, true, 0, 1), FP_EDENIED);
    assert_int_equal(change(FP_ROLE_OWNER, FP_ROLE_OWNER, FP_ROLE_NONE, true, 1, 1), FP_OK);
    assert_int_equal(change(FP_ROLE_OWNER, FP_ROLE_OWNER, FP_ROLE_NONE, true, 0, 0), FP_OK);
    assert_int_equal(change(FP_ROLE_SERVICE, FP_ROLE_OWNER, FP_ROLE_NONE, false, 0, 1), FP_OK);
}

static void a_standing_scope_belongs_to_its_managers_and_owners(void **state)
{
    (void)state;
    const char *why = NULL;
    assert_int_equal(access_begin(FP_ROLE_NONE, false, true, false, &why), FP_OK);
    assert_int_equal(access_begin(FP_ROLE_NONE, false, false, false, &why), FP_EDENIED);
    assert_int_equal(access_begin(FP_ROLE_SERVICE, false, false, false, &why), FP_OK);
    assert_int_equal(access_begin(FP_ROLE_NONE, true, true, false, &why), FP_EDENIED);
    assert_int_equal(access_begin(FP_ROLE_MEMBER, true, true, false, &why), FP_EDENIED);
    assert_int_equal(access_begin(FP_ROLE_MANAGER, true, false, false, &why), FP_OK);
    assert_int_equal(access_begin(FP_ROLE_OWNER, true, false, false, &why), FP_OK);
    assert_int_equal(access_begin(FP_ROLE_NONE, true, false, true, &why), FP_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_may_do_what_the_contract_says),
        cmocka_unit_test(a_manager_changes_members_below_his_own_role_only),
        cmocka_unit_test(an_owner_changes_anybody),
        cmocka_unit_test(members_and_observers_change_nobody_but_may_leave),
        cmocka_unit_test(the_last_owner_stays_while_others_remain),
        cmocka_unit_test(a_standing_scope_belongs_to_its_managers_and_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
