/* A site whose disk fills up: what can wait waits first, and whoever reads the log knows. */
#include "plugin/hub/site.h"
#include "tests/unit/hub/site_kit.h"

static void fill(struct fixture *x, unsigned percent)
{
    mem_store_set_used(x->k.mem, percent);
    far_clear(&x->f);
    kit_pass(&x->k, 1000);
    kit_run(&x->k);
}

static void say(struct fixture *x, uint8_t priority)
{
    struct fp_command c = kit_msg(&x->b, x->n, "kitchen", "hello");
    c.priority = priority;
    far_clear(&x->f);
    kit_send(&x->k, "ben-pad", &c);
    kit_run(&x->k);
    far_read(&x->f);
}

static bool takes(struct fixture *x, uint8_t priority)
{
    struct fp_reply r;
    say(x, priority);
    if (relayed(&x->k, "ben-pad", x->n)) {
        x->n++;
        return true;
    }
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EFULL));
    assert_true(kit_reply(&x->k, "ben-pad", 0, &r));
    assert_true(r.as.nack.retry && r.as.nack.n == x->n);
    return false;
}

static bool logs(const struct fixture *x, const char *line)
{
    return fake_bus_find_line(&x->k.bus, line, 0) != SIZE_MAX;
}

static void bulk_waits_first_and_then_all_but_safety(void **state)
{
    struct fixture *x = *state;
    fill(x, 69);
    assert_false(logs(x, "disk"));
    assert_true(takes(x, FP_PRIORITY_BULK));
    fill(x, 70);
    assert_true(logs(x, "disk 70 % used"));
    assert_true(takes(x, FP_PRIORITY_BULK));
    fill(x, 87);
    assert_true(logs(x, "disk 87 % used: bulk commands are refused"));
    assert_false(takes(x, FP_PRIORITY_BULK));
    assert_true(takes(x, FP_PRIORITY_NORMAL)); /* it has given that number to another one */
    fill(x, 95);
    assert_true(logs(x, "disk 95 % used: messages are refused"));
    assert_false(takes(x, FP_PRIORITY_NORMAL));
    assert_true(takes(x, FP_PRIORITY_SAFETY));
    assert_int_equal(x->k.hub->site->counters.full, 2);
    fill(x, 20);
    assert_true(logs(x, "disk 20 % used: everything is taken again"));
    assert_true(takes(x, FP_PRIORITY_BULK));
}

static void what_is_no_message_is_taken_to_the_last(void **state)
{
    struct fixture *x = *state;
    fill(x, 99);
    fp_enc_init(&x->b.e, x->b.buf, sizeof(x->b.buf));
    fp_enc_map(&x->b.e, 1);
    fp_enc_text(&x->b.e, "kitchen", 7);
    fp_enc_array(&x->b.e, 2);
    fp_enc_uint(&x->b.e, 1);
    fp_enc_uint(&x->b.e, 1);
    struct fp_command c = {.kind = FP_K_RECEIPT, .body = fp_enc_bytes_of(&x->b.e), .priority = FP_PRIORITY_NORMAL};
    kit_send(&x->k, "ben-pad", &c);
    kit_run(&x->k);
    far_read(&x->f);
    assert_int_equal(x->f.count, 1);
    assert_int_equal(x->f.records[0].cmd.kind, FP_K_RECEIPT);
    c = kit_msg(&x->b, 1, "kitchen", "x");
    c.kind = FP_K_REACT;
    c.ref = 1;
    far_clear(&x->f);
    kit_send(&x->k, "ben-pad", &c);
    kit_run(&x->k);
    assert_int_not_equal(kit_replies(&x->k, "ben-pad"), 0);
    assert_false(kit_nacked(&x->k, "ben-pad", FP_EFULL));
}

/* Its own messages stay in their order: only what is of safety goes past one that has to wait. */
static void what_had_to_wait_is_not_overtaken(void **state)
{
    struct fixture *x = *state;
    struct fp_reply r;
    fill(x, 96);
    assert_false(takes(x, FP_PRIORITY_NORMAL));
    fill(x, 10);
    x->n = 2;
    say(x, FP_PRIORITY_NORMAL);
    assert_true(kit_nacked(&x->k, "ben-pad", FP_EGAP));
    assert_true(kit_reply(&x->k, "ben-pad", 0, &r));
    assert_int_equal(r.as.nack.next_n, 1);
    x->n = 1;
    assert_true(takes(x, FP_PRIORITY_NORMAL));
    assert_true(takes(x, FP_PRIORITY_NORMAL));
    fill(x, 96);
    assert_false(takes(x, FP_PRIORITY_NORMAL)); /* 3 */
    x->n = 4;
    assert_true(takes(x, FP_PRIORITY_SAFETY));
}

static void a_level_ends_a_little_below_its_limit(void **state)
{
    struct fixture *x = *state;
    fill(x, 85);
    fill(x, 84);
    assert_false(logs(x, "disk"));
    assert_false(takes(x, FP_PRIORITY_BULK));
    fill(x, 80);
    assert_false(logs(x, "disk"));
    fill(x, 79);
    assert_true(logs(x, "disk 79 % used: outcomes are kept"));
    assert_true(takes(x, FP_PRIORITY_BULK));
    far_clear(&x->f);
    fill(x, 65);
    assert_false(logs(x, "disk"));
    fill(x, 64);
    assert_true(logs(x, "disk 64 % used: everything is taken again"));
}

static bool is_known(struct fixture *x, uint64_t n)
{
    bool found = false;
    (void)branch_row(&x->k, "ben-pad", n, &found);
    return found;
}

static void less_is_remembered_where_it_is_narrow(void **state)
{
    struct fixture *x = *state;
    assert_true(takes(x, FP_PRIORITY_NORMAL));
    far_order(&x->f, &x->f.records[0], 2);
    kit_run(&x->k);
    kit_pass(&x->k, 10 * 86400000ULL);
    fill(x, 75);
    assert_true(is_known(x, 1));
    fill(x, 90);
    assert_false(is_known(x, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bulk_waits_first_and_then_all_but_safety, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_message_is_taken_to_the_last, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(what_had_to_wait_is_not_overtaken, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(a_level_ends_a_little_below_its_limit, site_setup, site_teardown),
        cmocka_unit_test_setup_teardown(less_is_remembered_where_it_is_narrow, site_setup, site_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
