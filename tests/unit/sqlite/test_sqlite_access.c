#include "tests/unit/sqlite/store_fixture.h"

struct rule {
    uint64_t applied;
    bool allowed;
    bool settled;
};

static void save(struct fixture *f, uint64_t cid, uint64_t scope, const struct store_member *like)
{
    struct store_member m = *like;

    m.cid = cid;
    m.scope = store_script_id("s", scope);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_member(f->p.ctx, &m), FP_OK);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
}

static uint64_t add_conv(struct fixture *f, uint64_t number, uint64_t scope)
{
    struct store_conv c = {.id = store_script_id("c", number), .scope = store_script_id("s", scope)};

    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    return c.cid;
}

static struct sqlite_access *open_reader(struct fixture *f)
{
    struct sqlite_access *a = NULL;

    assert_int_equal(sqlite_access_open(&a, f->path, NULL), FP_OK);
    return a;
}

typedef enum fp_err (*ask_fn)(struct sqlite_access *a, const struct fp_id *what, const struct fp_id *user, uint64_t applied, bool *out_allowed,
                              bool *out_settled);

static void check(struct sqlite_access *a, ask_fn ask, struct fp_id what, struct rule rule)
{
    struct fp_id user = store_script_id("u", 1);
    bool allowed = !rule.allowed;
    bool settled = !rule.settled;

    assert_int_equal(ask(a, &what, &user, rule.applied, &allowed, &settled), FP_OK);
    assert_int_equal(allowed, rule.allowed);
    assert_int_equal(settled, rule.settled);
}

static void a_conversation_is_open_from_the_change_that_is_applied(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_open(f), FP_OK);
    struct sqlite_access *a = open_reader(f);
    check(a, sqlite_access_conv, store_script_id("c", 1), (struct rule){9, false, true});
    uint64_t cid = add_conv(f, 1, 1);
    check(a, sqlite_access_conv, store_script_id("c", 1), (struct rule){9, false, true});
    save(f, cid, 1, &(struct store_member){.user = store_script_id("u", 1), .active = true, .change = 10});
    check(a, sqlite_access_conv, store_script_id("c", 1), (struct rule){9, false, false});
    check(a, sqlite_access_conv, store_script_id("c", 1), (struct rule){10, true, true});
    save(f, cid, 1, &(struct store_member){.user = store_script_id("u", 1), .active = false, .change = 12});
    check(a, sqlite_access_conv, store_script_id("c", 1), (struct rule){11, false, false});
    check(a, sqlite_access_conv, store_script_id("c", 1), (struct rule){12, false, true});
    sqlite_access_close(a);
}

static void what_is_not_committed_is_not_seen_and_does_not_wait(void **state)
{
    struct fixture *f = *state;
    struct store_device d = {.id = store_script_id("d", 1), .user = store_script_id("u", 1)};
    struct fp_id owner = {0};
    bool found = true;

    assert_int_equal(fixture_open(f), FP_OK);
    struct sqlite_access *a = open_reader(f);
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_device(f->p.ctx, &d), FP_OK);
    assert_int_equal(sqlite_access_device(a, &d.id, &owner, &found), FP_OK);
    assert_false(found);
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    assert_int_equal(sqlite_access_device(a, &d.id, &owner, &found), FP_OK);
    assert_true(found);
    assert_true(fp_id_eq(&owner, &d.user));
    sqlite_access_close(a);
}

static void a_scope_is_open_by_the_oldest_membership_that_still_holds(void **state)
{
    struct fixture *f = *state;
    const struct fp_id user = store_script_id("u", 1);

    assert_int_equal(fixture_open(f), FP_OK);
    struct sqlite_access *a = open_reader(f);
    uint64_t one = add_conv(f, 1, 7);
    uint64_t two = add_conv(f, 2, 7);
    check(a, sqlite_access_scope, store_script_id("s", 7), (struct rule){9, false, true});
    save(f, one, 7, &(struct store_member){.user = user, .active = true, .change = 5});
    save(f, two, 7, &(struct store_member){.user = user, .active = true, .change = 10});
    check(a, sqlite_access_scope, store_script_id("s", 7), (struct rule){4, false, false});
    check(a, sqlite_access_scope, store_script_id("s", 7), (struct rule){5, true, true});
    save(f, one, 7, &(struct store_member){.user = user, .active = false, .change = 11});
    check(a, sqlite_access_scope, store_script_id("s", 7), (struct rule){9, false, false});
    check(a, sqlite_access_scope, store_script_id("s", 7), (struct rule){11, true, true});
    check(a, sqlite_access_scope, store_script_id("s", 8), (struct rule){11, false, true});
    sqlite_access_close(a);
}

static void check_peers(struct sqlite_access *a, uint64_t user, uint64_t other, bool allowed)
{
    struct fp_id first = store_script_id("u", user);
    struct fp_id second = store_script_id("u", other);
    bool got = !allowed;

    assert_int_equal(sqlite_access_peers(a, &first, &second, &got), FP_OK);
    assert_int_equal(got, allowed);
}

static void peers_share_a_scope_among_the_first_64(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_open(f), FP_OK);
    struct sqlite_access *a = open_reader(f);
    for (uint64_t i = 10; i < 75; i++) { /* 65 scopes */
        uint64_t cid = add_conv(f, i, i);
        save(f, cid, i, &(struct store_member){.user = store_script_id("u", 1), .active = true});
        if (i >= 73) {
            save(f, cid, i, &(struct store_member){.user = store_script_id("u", i), .active = true});
        }
        save(f, cid, i, &(struct store_member){.user = store_script_id("u", 2), .active = false});
    }
    check_peers(a, 1, 73, true);  /* the 64th scope */
    check_peers(a, 1, 74, false); /* the 65th: not looked at */
    check_peers(a, 74, 1, true);  /* from the other side */
    check_peers(a, 1, 2, false);  /* has left */
    check_peers(a, 3, 1, false);
    sqlite_access_close(a);
}

static void the_scope_dm_makes_nobody_a_peer(void **state)
{
    struct fixture *f = *state;
    struct store_conv c = {.id = store_script_id("c", 1)};
    const uint64_t users[] = {1, 2};

    assert_int_equal(fixture_open(f), FP_OK);
    struct sqlite_access *a = open_reader(f);
    assert_true(fp_id_parse("dm", 2, &c.scope));
    assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
    assert_int_equal(f->p.save_conv(f->p.ctx, &c, fp_bytes_of("", 0), fp_bytes_of("", 0)), FP_OK);
    for (size_t i = 0; i < 2; i++) {
        struct store_member m = {.cid = c.cid, .scope = c.scope, .user = store_script_id("u", users[i]), .role = 1, .active = true, .change = i + 1};
        assert_int_equal(f->p.save_member(f->p.ctx, &m), FP_OK);
    }
    assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
    check_peers(a, 1, 2, false);
    sqlite_access_close(a);
}

static void check_status(struct sqlite_access *a, uint64_t user, bool open)
{
    struct fp_id id = store_script_id("u", user);
    bool got = !open;

    assert_int_equal(sqlite_access_open_status(a, &id, &got), FP_OK);
    assert_int_equal(got, open);
}

static void who_hides_from_nobody_has_an_open_status(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_open(f), FP_OK);
    struct sqlite_access *a = open_reader(f);
    check_status(a, 1, true); /* nothing is known of him */
    for (uint64_t open = 0; open <= 1; open++) {
        const struct store_person p = {.user = store_script_id("u", 1), .open = open == 1};
        assert_int_equal(f->p.begin(f->p.ctx), FP_OK);
        assert_int_equal(f->p.save_person(f->p.ctx, &p), FP_OK);
        assert_int_equal(f->p.commit(f->p.ctx), FP_OK);
        check_status(a, 1, open == 1);
    }
    sqlite_access_close(a);
}

static void the_reader_cannot_be_opened_without_a_store(void **state)
{
    struct fixture *f = *state;
    struct sqlite_access *a = NULL;

    assert_int_equal(sqlite_access_open(&a, f->path, NULL), FP_EIO);
    assert_null(a);
    sqlite_access_close(a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_conversation_is_open_from_the_change_that_is_applied),
        TEST(what_is_not_committed_is_not_seen_and_does_not_wait),
        TEST(a_scope_is_open_by_the_oldest_membership_that_still_holds),
        TEST(peers_share_a_scope_among_the_first_64),
        TEST(the_scope_dm_makes_nobody_a_peer),
        TEST(who_hides_from_nobody_has_an_open_status),
        TEST(the_reader_cannot_be_opened_without_a_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
