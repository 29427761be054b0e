#include "tests/unit/hub/change_kit.h"

#define HEAD "fp/1/scope/house/conv/kitchen/head"

static void send_digest(struct kit *k, const char *device, uint64_t seq)
{
    struct kit_body b;
    struct fp_command c = {.kind = FP_K_DIGEST, .conv = kit_id("kitchen"), .priority = FP_PRIORITY_NORMAL};
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_uint(&b.e, FP_DIGEST_SEQ);
    fp_enc_uint(&b.e, seq);
    c.body = fp_enc_bytes_of(&b.e);
    kit_send(k, device, &c);
}

/* The latest reply is the report on this seq, and says what is on disk. */
static void assert_report(const struct kit *k, const char *device, uint64_t seq)
{
    struct fp_reply r;
    struct fp_bytes chain;
    struct chain want = stored_chain(k, seq);
    assert_true(kit_replies(k, device) > 0);
    assert_true(kit_reply(k, device, kit_replies(k, device) - 1, &r));
    assert_int_equal(r.what, FP_REPLY_REPORT);
    assert_int_equal(r.as.report.kind, FP_K_DIGEST);
    assert_int_equal(r.as.report.seq, seq);
    struct fp_id kitchen = kit_id("kitchen");
    assert_true(fp_id_eq(&r.as.report.conv, &kitchen));
    assert_int_equal(fp_digest_value(r.as.report.value, &chain), FP_OK);
    assert_memory_equal(chain.p, want.digest, CHAIN_BYTES);
}

static void digest(struct kit *k, const char *device, uint64_t seq)
{
    send_digest(k, device, seq);
    kit_run(k);
}

/* Runs of one, three and two messages behind the first event; the head is 7. */
static void fill(struct kit *k)
{
    static const size_t runs[] = {1, 3, 2};
    uint64_t n = 1;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < runs[i]; j++, n++) {
            say(k, "carl-phone", FP_K_MSG, n, 0, "noon");
        }
        kit_run(k);
    }
}

static void it_says_the_chain_at_any_event(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    fill(&k);
    for (uint64_t seq = 0; seq <= 7; seq++) {
        digest(&k, "dora-phone", seq);
        assert_report(&k, "dora-phone", seq);
    }
    kit_close(&k);
}

static void it_says_the_same_after_a_restart_and_a_redaction(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    fill(&k);
    struct chain before = stored_chain(&k, 5);
    do_say(&k, "ben-phone", FP_K_REDACT, 1, 4, NULL);
    kit_restart(&k);
    digest(&k, "carl-phone", 5);
    assert_report(&k, "carl-phone", 5);
    struct chain after = stored_chain(&k, 5);
    assert_memory_equal(&before, &after, sizeof(before));
    do_say(&k, "carl-phone", FP_K_MSG, 7, 0, "goes on"); /* from the stored chain */
    digest(&k, "carl-phone", 9);
    assert_report(&k, "carl-phone", 9);
    kit_close(&k);
}

static void what_this_batch_says_counts_and_is_acked_before(void **state)
{
    (void)state;
    struct kit k;
    struct fp_reply r;
    open_kitchen(&k);
    fill(&k);
    kit_clear(&k);
    say(&k, "carl-phone", FP_K_MSG, 7, 0, "one");
    say(&k, "carl-phone", FP_K_MSG, 8, 0, "two");
    send_digest(&k, "carl-phone", 8);
    kit_run(&k);
    assert_true(kit_reply(&k, "carl-phone", 0, &r));
    assert_int_equal(r.what, FP_REPLY_ACK);
    assert_report(&k, "carl-phone", 8);
    assert_int_equal(kit_replies(&k, "carl-phone"), 2);
    kit_close(&k);
}

static void what_there_is_not_or_not_for_him_is_unknown(void **state)
{
    (void)state;
    struct kit k;
    struct kit_body b;
    open_kitchen(&k);
    fill(&k);
    digest(&k, "carl-phone", 8);
    assert_refused(&k, "carl-phone", FP_EUNKNOWN, 7);
    digest(&k, "carl-phone", UINT64_MAX);
    assert_refused(&k, "carl-phone", FP_EUNKNOWN, 7);
    digest(&k, "eve-phone", 3);
    assert_refused(&k, "eve-phone", FP_EUNKNOWN, 7);
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ADD, "kitchen", "finn", FP_ROLE_MEMBER, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k); /* 8 */
    digest(&k, "finn-phone", 6);
    assert_refused(&k, "finn-phone", FP_EUNKNOWN, 8);
    digest(&k, "finn-phone", 7); /* what he goes on from */
    assert_report(&k, "finn-phone", 7);
    digest(&k, "finn-phone", 8);
    assert_report(&k, "finn-phone", 8);
    kit_close(&k);
}

static void a_bad_question_is_malformed(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    struct fp_command c = {.kind = FP_K_DIGEST, .conv = kit_id("kitchen"), .priority = FP_PRIORITY_NORMAL};
    kit_send(&k, "carl-phone", &c);
    kit_run(&k);
    assert_refused(&k, "carl-phone", FP_EMALFORMED, 1);
    kit_close(&k);
}

static void what_was_dropped_changes_no_chain_from_the_floor_on(void **state)
{
    (void)state;
    struct kit k;
    open_kitchen(&k);
    fill(&k); /* runs: 1, 2, 3-5, 6-7 */
    struct chain at[8];
    for (uint64_t seq = 0; seq <= 7; seq++) {
        at[seq] = stored_chain(&k, seq);
    }
    const struct store_port *s = &k.fault.inner;
    struct store_conv row;
    struct fp_id id = kit_id("kitchen");
    bool found = false;
    uint64_t last = 0;
    assert_int_equal(s->begin(s->ctx), FP_OK);
    assert_int_equal(s->load_conv(s->ctx, &id, &row, &found), FP_OK);
    assert_int_equal(s->drop_runs(s->ctx, CID, 2, 9, &last), FP_OK);
    row.floor = last;
    memcpy(row.floor_chain, at[2].digest, CHAIN_BYTES);
    assert_int_equal(s->save_conv(s->ctx, &row, (struct fp_bytes){0}, (struct fp_bytes){0}), FP_OK);
    assert_int_equal(s->commit(s->ctx), FP_OK);
    hub_close(k.hub);
    fake_bus_clear(&k.bus);
    struct store_info info = mem_store_info(k.mem);
    assert_int_equal(hub_open(&k.hub, &k.config, fault_store_port(&k.fault), fake_bus_port(&k.bus), &info), FP_OK);

    digest(&k, "carl-phone", 1);
    assert_refused(&k, "carl-phone", FP_EUNKNOWN, 7);
    for (uint64_t seq = 2; seq <= 7; seq++) { /* 2 is the floor, 3 and 4 are inside the first run that is left */
        struct fp_reply r;
        struct fp_bytes chain;
        digest(&k, "carl-phone", seq);
        assert_true(kit_reply(&k, "carl-phone", kit_replies(&k, "carl-phone") - 1, &r));
        assert_int_equal(r.what, FP_REPLY_REPORT);
        assert_int_equal(r.as.report.seq, seq);
        assert_int_equal(fp_digest_value(r.as.report.value, &chain), FP_OK);
        assert_memory_equal(chain.p, at[seq].digest, CHAIN_BYTES);
    }
    kit_close(&k);
}

static void the_head_tells_the_chain(void **state)
{
    (void)state;
    struct kit k;
    struct fp_head head;
    open_kitchen(&k);
    fill(&k);
    kit_pass(&k, 2000);
    kit_run(&k);
    kit_idle(&k);
    size_t last = SIZE_MAX;
    for (size_t at = fake_bus_find(&k.bus, HEAD, 0); at != SIZE_MAX; at = fake_bus_find(&k.bus, HEAD, at + 1)) {
        last = at;
    }
    assert_int_not_equal(last, SIZE_MAX);
    assert_int_equal(fp_head_decode(fake_bus_at(&k.bus, last)->tell.payload, &head), FP_OK);
    assert_int_equal(head.seq, 7);
    struct chain want = stored_chain(&k, 7);
    assert_int_equal(head.chain.len, CHAIN_BYTES);
    assert_memory_equal(head.chain.p, want.digest, CHAIN_BYTES);
    kit_close(&k);
}

static void a_store_that_fails_once_is_asked_again(void **state)
{
    (void)state;
    bool failed = true;
    for (uint64_t at = 1; failed; at++) {
        struct kit k;
        open_kitchen(&k);
        fill(&k);
        kit_clear(&k);
        fault_store_arm(&k.fault, at, FP_EIO, false);
        say(&k, "carl-phone", FP_K_MSG, 7, 0, "one");
        send_digest(&k, "carl-phone", 4);
        kit_run(&k);
        failed = k.fault.failed > 0;
        fault_store_disarm(&k.fault);
        assert_report(&k, "carl-phone", 4);
        assert_int_equal(head_of(&k), 8);
        kit_close(&k);
        assert_true(at < 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_the_chain_at_any_event),
        cmocka_unit_test(it_says_the_same_after_a_restart_and_a_redaction),
        cmocka_unit_test(what_this_batch_says_counts_and_is_acked_before),
        cmocka_unit_test(what_there_is_not_or_not_for_him_is_unknown),
        cmocka_unit_test(a_bad_question_is_malformed),
        cmocka_unit_test(what_was_dropped_changes_no_chain_from_the_floor_on),
        cmocka_unit_test(the_head_tells_the_chain),
        cmocka_unit_test(a_store_that_fails_once_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
