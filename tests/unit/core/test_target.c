#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugin/core/target.h"

static void assert_target(const struct target *t, enum target_state state, uint64_t version, uint64_t body_at)
{
    assert_int_equal(t->state, state);
    assert_int_equal(t->version, version);
    assert_int_equal(t->body_at, body_at);
}

static void a_message_begins_as_its_own_version(void **state)
{
    (void)state;
    struct target t = target_of(4);
    assert_target(&t, TARGET_PLAIN, 4, 4);
}

static void an_edit_brings_its_own_body(void **state)
{
    (void)state;
    struct target t = target_of(4);
    assert_true(target_apply(&t, TARGET_EDIT, 6, true, 4));
    assert_target(&t, TARGET_EDITED, 6, 6);
    assert_true(target_apply(&t, TARGET_EDIT, 9, false, 0)); /* the last one wins */
    assert_target(&t, TARGET_EDITED, 9, 9);
}

static void an_edit_of_another_version_changes_nothing(void **state) /* G2 */
{
    (void)state;
    struct target t = target_of(4);
    assert_false(target_apply(&t, TARGET_EDIT, 5, true, 0));
    assert_false(target_apply(&t, TARGET_EDIT, 5, true, 3));
    assert_target(&t, TARGET_PLAIN, 4, 4);
    assert_true(target_apply(&t, TARGET_EDIT, 6, true, 4));
    assert_false(target_apply(&t, TARGET_EDIT, 7, true, 4));
    assert_target(&t, TARGET_EDITED, 6, 6);
}

static void a_delete_wins_over_what_it_has_not_seen(void **state)
{
    (void)state;
    struct target t = target_of(4);
    assert_true(target_apply(&t, TARGET_EDIT, 6, true, 4));
    assert_true(target_apply(&t, TARGET_DELETE, 7, true, 4));
    assert_target(&t, TARGET_DELETED, 7, 0);
    assert_false(target_apply(&t, TARGET_DELETE, 8, false, 0));
    assert_false(target_apply(&t, TARGET_EDIT, 8, true, 7)); /* G3 */
    assert_false(target_apply(&t, TARGET_EDIT, 8, false, 0));
    assert_target(&t, TARGET_DELETED, 7, 0);
}

static void redacted_is_the_end(void **state)
{
    (void)state;
    struct target t = target_of(4);
    assert_true(target_apply(&t, TARGET_DELETE, 5, false, 0));
    assert_true(target_apply(&t, TARGET_REDACT, 6, false, 0));
    assert_target(&t, TARGET_REDACTED, 6, 0);
    assert_false(target_apply(&t, TARGET_REDACT, 7, false, 0));
    assert_false(target_apply(&t, TARGET_DELETE, 7, false, 0));
    assert_false(target_apply(&t, TARGET_EDIT, 7, true, 6));
    assert_target(&t, TARGET_REDACTED, 6, 0);
}

/* ------------------------------------------------------------------ all orders of five acts */

struct act {
    enum target_act act;
    bool has_base;
    uint64_t base;
};

static const struct act acts[] = {
    {TARGET_EDIT, true, 1}, {TARGET_EDIT, false, 0}, {TARGET_EDIT, true, 2}, {TARGET_DELETE, false, 0}, {TARGET_REDACT, false, 0},
};
#define ACTS (sizeof(acts) / sizeof(acts[0]))

static void check_step(const struct target *before, const struct target *after, const struct act *a, uint64_t seq, bool applied)
{
    if (!applied) {
        assert_target(after, before->state, before->version, before->body_at);
        return;
    }
    bool edit = a->act == TARGET_EDIT;
    assert_true(after->state > before->state || (edit && before->state == TARGET_EDITED && after->state == TARGET_EDITED));
    assert_int_equal(after->version, seq); /* G1 */
    assert_int_equal(after->body_at, edit ? seq : 0);
    assert_true(!edit || before->state < TARGET_DELETED);                /* G3 */
    assert_true(!edit || !a->has_base || a->base == before->version); /* G2 */
}

static void play(const size_t *order)
{
    struct target t = target_of(1);
    uint64_t last = 1;
    size_t redact_at = 0;
    for (size_t i = 0; i < ACTS; i++) {
        const struct act *a = &acts[order[i]];
        struct target before = t;
        uint64_t seq = i + 2;
        bool applied = target_apply(&t, a->act, seq, a->has_base, a->base);
        check_step(&before, &t, a, seq, applied);
        last = applied ? seq : last;
        assert_true(a->act != TARGET_REDACT || applied); /* the first redact of anything */
        redact_at = a->act == TARGET_REDACT ? (size_t)seq : redact_at;
    }
    assert_target(&t, TARGET_REDACTED, redact_at, 0);
    assert_int_equal(last, redact_at);
}

static void every_order_of_acts_keeps_the_invariants(void **state)
{
    (void)state;
    size_t played = 0;
    for (size_t code = 0; code < 3125; code++) { /* five digits of base five; those that are permutations */
        size_t order[ACTS];
        unsigned seen = 0;
        size_t rest = code;
        for (size_t i = 0; i < ACTS; i++, rest /= ACTS) {
            order[i] = rest % ACTS;
            seen |= 1U << order[i];
        }
        if (seen == (1U << ACTS) - 1) {
            play(order);
            played++;
        }
    }
    assert_int_equal(played, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_begins_as_its_own_version),
        cmocka_unit_test(an_edit_brings_its_own_body),
        cmocka_unit_test(an_edit_of_another_version_changes_nothing),
        cmocka_unit_test(a_delete_wins_over_what_it_has_not_seen),
        cmocka_unit_test(redacted_is_the_end),
        cmocka_unit_test(every_order_of_acts_keeps_the_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
