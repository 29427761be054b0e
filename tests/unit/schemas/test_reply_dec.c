/* What a client reads: the CDDL, and nothing that is not. */
#include "hex.h"

#include "fp/reply.h"

static void acks_are_read_row_by_row(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a3 01 01 02 82 84 1829 6163 07 1903e8 84 182a f6 f6 1903e9 03 6172");
    struct fp_reply r;
    struct fp_answer a;
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_int_equal(r.what, FP_REPLY_ACK);
    assert_int_equal(r.as.ack.count, 2);
    assert_id(r.as.ack.relay, "r");
    assert_true(fp_reply_answer(&r, &a));
    assert_int_equal(a.n, 41);
    assert_id(a.conv, "c");
    assert_int_equal(a.seq, 7);
    assert_int_equal(a.at.ms, 1000);
    assert_true(fp_reply_answer(&r, &a));
    assert_int_equal(a.n, 42);
    assert_true(fp_id_is_none(&a.conv));
    assert_int_equal(a.seq, 0);
    assert_false(fp_reply_answer(&r, &a));
    hex_free(in);
}

static void a_nack_is_read(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a7 01 02 02 09 03 05 04 63676170 05 f5 06 8101 07 05");
    struct fp_reply r;
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_int_equal(r.what, FP_REPLY_NACK);
    assert_int_equal(r.as.nack.n, 9);
    assert_int_equal(r.as.nack.code, FP_EGAP);
    assert_text(r.as.nack.reason, "gap");
    assert_true(r.as.nack.retry);
    assert_bytes(r.as.nack.current, "8101");
    assert_int_equal(r.as.nack.next_n, 5);
    hex_free(in);
}

static void a_welcome_is_read_with_its_heads(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a8 01 03 02 184d 03 02 04 1903e8 05 182a 06 82 86 6163 6173 09 01 03 06 86 6164 6173 00 00 00 00"
                             " 07 a5 01 01 02 02 03 03 04 04 05 05 08 6172");
    struct fp_reply r;
    struct fp_conv_head h;
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    const struct fp_welcome *w = &r.as.welcome.head;
    assert_int_equal(w->epoch, 77);
    assert_int_equal(w->session, 2);
    assert_int_equal(w->at.ms, 1000);
    assert_int_equal(w->next_n, 42);
    assert_int_equal(w->head_count, 2);
    assert_int_equal(w->limits.command_bytes, 1);
    assert_int_equal(w->limits.batch_commands, 2);
    assert_int_equal(w->limits.commands_per_s, 3);
    assert_int_equal(w->limits.page_bytes, 4);
    assert_int_equal(w->limits.alive_s, 5);
    assert_id(w->relay, "r");
    assert_true(fp_reply_head(&r, &h));
    assert_id(h.conv, "c");
    assert_id(h.scope, "s");
    assert_int_equal(h.head, 9);
    assert_int_equal(h.floor, 1);
    assert_int_equal(h.read, 3);
    assert_int_equal(h.unread, 6);
    assert_true(fp_reply_head(&r, &h));
    assert_id(h.conv, "d");
    assert_false(fp_reply_head(&r, &h));
    hex_free(in);
}

static void a_page_is_read_plain_or_as_a_stream(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a7 01 04 02 6163 03 05 04 08 05 f5 06 00 07 820102");
    struct fp_reply r;
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_id(r.as.page.conv, "c");
    assert_int_equal(r.as.page.from, 5);
    assert_int_equal(r.as.page.to, 8);
    assert_true(r.as.page.more);
    assert_false(r.as.page.zlib);
    assert_bytes(r.as.page.content, "820102");
    hex_free(in);

    in = hex("a7 01 04 02 6163 03 05 04 08 05 f4 06 01 07 42789c");
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_true(r.as.page.zlib);
    assert_false(r.as.page.more);
    assert_bytes(r.as.page.content, "789c");
    hex_free(in);
}

static void the_short_ones_are_read(void **state)
{
    (void)state;
    struct fp_reply r;
    struct fp_id conv;
    uint64_t head;

    struct fp_bytes in = hex("a4 01 05 02 6163 03 07 04 a0");
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_id(r.as.snapshot.conv, "c");
    assert_int_equal(r.as.snapshot.floor, 7);
    assert_bytes(r.as.snapshot.state, "a0");
    hex_free(in);

    in = hex("a4 01 06 02 05 03 1903e8 04 1903e9");
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_int_equal(r.as.time.echo, 5);
    assert_int_equal(r.as.time.received.ms, 1000);
    assert_int_equal(r.as.time.sent.ms, 1001);
    hex_free(in);

    in = hex("a2 01 07 02 82 82 6163 09 82 6164 0a");
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_true(fp_reply_nudge(&r, &conv, &head));
    assert_id(conv, "c");
    assert_int_equal(head, 9);
    assert_true(fp_reply_nudge(&r, &conv, &head));
    assert_int_equal(head, 10);
    assert_false(fp_reply_nudge(&r, &conv, &head));
    hex_free(in);

    in = hex("a3 01 08 02 185b 03 8100");
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_int_equal(r.as.report.kind, FP_K_EXPLAIN);
    assert_bytes(r.as.report.value, "8100");
    assert_true(fp_id_is_none(&r.as.report.conv) && r.as.report.seq == 0);
    hex_free(in);

    in = hex("a5 01 08 02 0c 03 f6 04 6163 05 190100");
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_int_equal(r.as.report.kind, FP_K_DIGEST);
    assert_id(r.as.report.conv, "c");
    assert_int_equal(r.as.report.seq, 256);
    hex_free(in);
}

static void a_row_of_another_reply_is_not_handed_out(void **state)
{
    (void)state;
    struct fp_bytes in = hex("a2 01 07 02 81 82 6163 09");
    struct fp_reply r;
    struct fp_answer a;
    struct fp_conv_head h;
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_false(fp_reply_answer(&r, &a));
    assert_false(fp_reply_head(&r, &h));
    hex_free(in);
}

static void a_newer_hubs_keys_are_skipped_and_its_replies_named(void **state)
{
    (void)state;
    struct fp_reply r;
    struct fp_bytes in = hex("a4 01 02 03 0d 18c8 820102 6178 00");
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_int_equal(r.as.nack.code, FP_EBUSY);
    hex_free(in);
    in = hex("a2 01 09 02 00");
    assert_int_equal(fp_reply_decode(in, &r), FP_EUNSUPPORTED);
    assert_int_equal(r.what, 9);
    hex_free(in);
    in = hex("a2 01 02 03 1863"); /* code 99 is the last of a peer's errors */
    assert_int_equal(fp_reply_decode(in, &r), FP_OK);
    assert_int_equal(r.as.nack.code, 99);
    hex_free(in);
}

static void what_is_no_reply_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "80",
        "a0",
        "05",
        "a1 02 00",
        "a1 01 6161",
        "a1 01 00",
        "a1 01 01",
        "a2 01 01 02 a0",
        "a2 01 01 02 81 83 01 f6 f6",
        "a2 01 01 02 81 84 01 f6 f6 f6",
        "a2 01 01 02 81 84 01 60 f6 00",
        "a2 01 01 02 81 84 01 f6 20 00",
        "a2 01 02 02 09",
        "a2 01 02 03 00",
        "a2 01 02 03 1864",
        "a2 01 02 03 6161",
        "a3 01 02 03 05 04 05",
        "a3 01 02 03 05 05 01",
        "a7 01 03 02 01 03 02 04 03 05 04 06 81 85 6163 6173 00 00 00 07 a0",
        "a6 01 03 02 01 03 02 04 03 05 04 06 80",
        "a6 01 03 03 02 04 03 05 04 06 80 07 a0",
        "a7 01 03 02 01 03 02 04 03 05 04 06 80 07 80",
        "a7 01 04 02 6163 03 05 04 08 05 f5 06 02 07 80",
        "a7 01 04 02 6163 03 05 04 08 05 f5 06 00 07 40",
        "a7 01 04 02 6163 03 05 04 08 05 f5 06 00 07 a0",
        "a7 01 04 02 6163 03 05 04 08 05 f5 06 01 07 80",
        "a6 01 04 02 6163 03 05 04 08 06 00 07 80",
        "a3 01 05 02 6163 03 07",
        "a3 01 06 02 05 03 00",
        "a2 01 07 02 a0",
        "a2 01 07 02 81 81 6163",
        "a2 01 07 02 81 82 00 00",
        "a2 01 08 02 05",
        "a2 01 08 03 f6", "a4 01 08 02 05 03 f6 04 05", "a4 01 08 02 05 03 f6 04 60", "a4 01 08 02 05 03 f6 05 20",
        "a2 01 02 03 05 00",
        "a2 03 05 01 02",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fp_bytes in = hex(bad[i]);
        struct fp_reply r;
        if (fp_reply_decode(in, &r) != FP_EMALFORMED) {
            fail_msg("accepted: %s", bad[i]);
        }
        hex_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acks_are_read_row_by_row),
        cmocka_unit_test(a_nack_is_read),
        cmocka_unit_test(a_welcome_is_read_with_its_heads),
        cmocka_unit_test(a_page_is_read_plain_or_as_a_stream),
        cmocka_unit_test(the_short_ones_are_read),
        cmocka_unit_test(a_row_of_another_reply_is_not_handed_out),
        cmocka_unit_test(a_newer_hubs_keys_are_skipped_and_its_replies_named),
        cmocka_unit_test(what_is_no_reply_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
