/* What a hostile relay may try: nothing of it changes anything, and it is told or counted. */
#include "tests/unit/hub/relay_kit.h"

static struct rk_batch batch;
static uint8_t big[4 << 20];
static uint8_t packed[TRUNK_RECORDS_BYTES];

static void open_met(struct kit *k)
{
    rk_open(k);
    rk_hello(k);
    kit_clear(k);
    rk_begin(&batch);
}

static void nothing_was_taken(struct kit *k)
{
    kit_run(k);
    assert_int_equal(rk_peer(k).have[2], 0);
    assert_int_equal(rk_head(k, "kitchen"), 1);
    assert_int_equal(rk_count(k, FP_TRUNK_ACK), 0);
    assert_int_equal(rk_ops(k, "ignored"), 1);
    assert_int_equal(rk_ops(k, "up"), 1); /* the connection is kept */
}

static void a_relay_speaks_for_members_of_its_scopes_alone(void **state)
{
    static const char *const users[] = {"zoe", "robot", "~hub", "nobody"};
    struct kit k;
    struct kit_body b;
    (void)state;
    open_met(&k);
    for (size_t i = 0; i < 4; i++) {
        rk_add_msg(&batch, users[i], "new-device", 1, "kitchen");
    }
    rk_add_msg(&batch, "anna", "~hub", 1, "kitchen");
    rk_add_msg(&batch, "anna", "anna-phone", 2, "field"); /* of another scope */
    struct fp_command c = kit_conv_new(&b, 3, "annex", "farm", NULL, NULL, 0);
    rk_add(&batch, "anna", "anna-phone", &c, (struct fp_record_up){0});
    c = kit_conv_new(&b, 4, "attic", "shed", NULL, NULL, 0); /* of its scopes, and a new one */
    rk_add(&batch, "anna", "anna-phone", &c, (struct fp_record_up){0});
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    for (uint64_t number = 1; number <= 7; number++) {
        assert_int_equal(rk_refused(&k, 2, number), FP_EDENIED);
    }
    assert_int_equal(rk_refused(&k, 2, 8), FP_OK);
    assert_int_equal(rk_head(&k, "kitchen"), 1);
    assert_int_equal(rk_head(&k, "field"), 1);
    assert_int_equal(rk_head(&k, "annex"), 0);
    assert_int_equal(rk_head(&k, "attic"), 1);
    assert_int_equal(rk_next_n(&k, "new-device"), 0); /* it is nobody's */
    assert_int_equal(rk_next_n(&k, "anna-phone"), 5); /* of whom it may speak for a refusal is a refusal: no hole is left in front of the next */
    struct fp_trunk f;
    for (size_t i = 0; rk_told(&k, FP_TRUNK_REFUSE, i, &f); i++) {
        assert_int_equal(f.as.refuse.next_n, f.as.refuse.number <= 5 ? 1 : 0); /* of the others it stays theirs to bring */
    }
    assert_int_equal(kit_replies(&k, "new-device"), 0);
    kit_close(&k);
}

/* What he said while nobody at the site could know of it: refused like anybody's, or all that follows would be a gap for ever. */
static void of_who_was_put_out_meanwhile_each_command_is_refused_and_used_up(void **state)
{
    struct kit k;
    struct kit_body b;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_REMOVE, "kitchen", "ben", -1, -1);
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_add_msg(&batch, "ben", "ben-pad", 2, "field"); /* not the relay's: he may not be there at all */
    rk_add_msg(&batch, "ben", "ben-pad", 3, "kitchen");
    rk_add_msg(&batch, "ben", "ben-pad", 4, "nowhere");
    struct fp_command bare = {.kind = FP_K_MSG, .n = 5, .priority = FP_PRIORITY_NORMAL};
    rk_add(&batch, "ben", "ben-pad", &bare, (struct fp_record_up){.has_custody = true, .refused = FP_ETOOLARGE});
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EUNKNOWN);
    assert_int_equal(rk_refused(&k, 2, 2), FP_EDENIED);
    assert_int_equal(rk_refused(&k, 2, 3), FP_EUNKNOWN);
    assert_int_equal(rk_refused(&k, 2, 4), FP_EUNKNOWN);
    assert_int_equal(rk_refused(&k, 2, 5), FP_ETOOLARGE);
    assert_int_equal(rk_next_n(&k, "ben-pad"), 6);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    kit_close(&k);
}

static void with_a_list_it_speaks_for_these_users_alone(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    k.config.relays[0].users[0] = kit_id("ben");
    k.config.relays[0].user_count = 1;
    hub_reconfigure(k.hub, &k.config);
    rk_hello(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "anna", "anna-phone", 2, "kitchen");
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EDENIED);
    assert_int_equal(rk_refused(&k, 2, 2), FP_OK);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    kit_close(&k);
}

static void receipts_of_another_scope_do_not_count(void **state)
{
    struct kit k;
    struct kit_body b;
    (void)state;
    open_met(&k);
    struct fp_command add = kit_member(&b, 2, FP_K_MEMBER_ADD, "field", "ben", FP_ROLE_MEMBER, -1);
    kit_send(&k, "zoe-phone", &add);
    kit_run(&k);
    struct fp_enc *e = &b.e;
    fp_enc_init(e, b.buf, sizeof(b.buf));
    fp_enc_map(e, 1);
    fp_enc_text(e, "field", 5);
    fp_enc_array(e, 2);
    fp_enc_uint(e, 2);
    fp_enc_uint(e, 2);
    struct fp_command c = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(e)};
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){0});
    rk_send(&k, &batch, FP_LANE_RECEIPTS, 1);
    kit_run(&k);
    assert_int_equal(rk_refused(&k, FP_LANE_RECEIPTS, 1), FP_EDENIED);
    kit_close(&k);
}

static void a_record_that_cannot_be_read_is_refused_and_those_behind_it_are_not(void **state)
{
    struct kit k;
    (void)state;
    open_met(&k);
    fp_enc_array(&batch.e, 0);
    batch.count++;
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EMALFORMED);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    kit_close(&k);
}

static void a_wrong_crc_is_ignored(void **state)
{
    struct kit k;
    (void)state;
    open_met(&k);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 1);
    ((uint8_t *)(uintptr_t)k.items[0].payload.p)[k.items[0].payload.len - 1] ^= 1;
    nothing_was_taken(&k);
    kit_close(&k);
}

static void another_epoch_is_ignored(void **state)
{
    struct kit k;
    (void)state;
    open_met(&k);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send_as(&k, &batch, (struct fp_trunk_batch){.epoch = 78, .lane = 2, .first = 1, .count = 1});
    nothing_was_taken(&k);
    kit_close(&k);
}

static void a_lane_that_is_none_is_ignored(void **state)
{
    struct kit k;
    (void)state;
    open_met(&k);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send_as(&k, &batch, (struct fp_trunk_batch){.epoch = RK_EPOCH, .lane = 4, .first = 1, .count = 1});
    nothing_was_taken(&k);
    kit_close(&k);
}

static void counts_that_do_not_fit_are_ignored(void **state)
{
    static const uint64_t counts[] = {0, 2, 1 << 20, UINT64_MAX - 1, UINT64_MAX};
    (void)state;
    for (size_t i = 1; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct kit k;
        open_met(&k);
        rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
        rk_send_as(&k, &batch, (struct fp_trunk_batch){.epoch = RK_EPOCH, .lane = 2, .first = 1, .count = counts[i]});
        nothing_was_taken(&k);
        kit_close(&k);
    }
}

static void a_bomb_is_not_inflated(void **state)
{
    struct kit k;
    uLongf len = sizeof(packed);
    (void)state;
    open_met(&k);
    memset(big, 0, sizeof(big)); /* four million records of one byte each */
    assert_int_equal(compress2(packed, &len, big, sizeof(big), 9), Z_OK);
    rk_send_as(
        &k, &batch,
        (struct fp_trunk_batch){.epoch = RK_EPOCH, .lane = 2, .first = 1, .count = sizeof(big), .zlib = true, .records = fp_bytes_of(packed, len)});
    nothing_was_taken(&k);
    kit_close(&k);
}

static void a_stream_that_ends_early_or_goes_on_is_ignored(void **state)
{
    (void)state;
    for (int cut = -1; cut <= 1; cut += 2) {
        struct kit k;
        uLongf len = sizeof(packed) - 1;
        open_met(&k);
        rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
        assert_int_equal(compress2(packed, &len, batch.buf, batch.e.len, 9), Z_OK);
        len = cut < 0 ? len - 1 : len + 1;
        rk_send_as(&k, &batch,
                   (struct fp_trunk_batch){.epoch = RK_EPOCH, .lane = 2, .first = 1, .count = 1, .zlib = true, .records = fp_bytes_of(packed, len)});
        nothing_was_taken(&k);
        kit_close(&k);
    }
}

static void a_deflated_batch_is_taken_also_when_it_has_to_be_replayed(void **state)
{
    uint64_t credit = 0;
    (void)state;
    for (uint64_t at = 0; at < 20; at++) {
        struct kit k;
        uLongf len = sizeof(packed);
        open_met(&k);
        for (uint64_t n = 1; n <= 5; n++) {
            rk_add_msg(&batch, "ben", "ben-pad", n, "kitchen");
        }
        assert_int_equal(compress2(packed, &len, batch.buf, batch.e.len, 9), Z_OK);
        fault_store_arm(&k.fault, at, FP_EIO, false);
        rk_send_as(&k, &batch,
                   (struct fp_trunk_batch){.epoch = RK_EPOCH, .lane = 2, .first = 1, .count = 5, .zlib = true, .records = fp_bytes_of(packed, len)});
        kit_run(&k);
        assert_int_equal(rk_acked(&k, 2, &credit), 5);
        assert_int_equal(rk_head(&k, "kitchen"), 6);
        kit_close(&k);
    }
}

static void frames_of_a_user_that_is_no_relay_are_nothing(void **state)
{
    struct kit k;
    (void)state;
    open_met(&k);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 1);
    k.items[0].user = kit_id("ben");
    kit_run(&k);
    assert_int_equal(rk_head(&k, "kitchen"), 1);
    assert_int_equal(rk_peer(&k).have[2], 0);
    kit_close(&k);
}

static void nothing_counts_before_hello(void **state)
{
    struct kit k;
    (void)state;
    rk_open(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send_as(&k, &batch, (struct fp_trunk_batch){.epoch = 0, .lane = 2, .first = 1, .count = 1});
    rk_send(&k, &batch, 2, 1);
    rk_ack(&k, 2, 1, 4);
    kit_run(&k);
    assert_int_equal(rk_head(&k, "kitchen"), 1);
    assert_int_equal(fake_bus_count(&k.bus, RK_DOWN), 0);
    kit_close(&k);
}

static void acks_of_what_was_never_sent_change_nothing(void **state)
{
    struct kit k;
    struct store_held held;
    struct store_port p;
    struct fp_id ridge = kit_id("ridge");
    (void)state;
    open_met(&k);
    for (unsigned lane = 0; lane < FP_LANES; lane++) {
        rk_ack(&k, lane, UINT64_MAX, UINT64_MAX);
        rk_ack(&k, lane, 1000, 0);
    }
    kit_run(&k);
    kit_pass(&k, 2000);
    kit_run(&k);
    p = mem_store_port(k.mem);
    assert_int_equal(p.load_held(p.ctx, &ridge, 1, &held), FP_OK);
    assert_int_equal(held.seq, 0);
    assert_int_equal(rk_peer(&k).acked[2], 0);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_speaks_for_members_of_its_scopes_alone),
        cmocka_unit_test(of_who_was_put_out_meanwhile_each_command_is_refused_and_used_up),
        cmocka_unit_test(with_a_list_it_speaks_for_these_users_alone),
        cmocka_unit_test(receipts_of_another_scope_do_not_count),
        cmocka_unit_test(a_record_that_cannot_be_read_is_refused_and_those_behind_it_are_not),
        cmocka_unit_test(a_wrong_crc_is_ignored),
        cmocka_unit_test(another_epoch_is_ignored),
        cmocka_unit_test(a_lane_that_is_none_is_ignored),
        cmocka_unit_test(counts_that_do_not_fit_are_ignored),
        cmocka_unit_test(a_bomb_is_not_inflated),
        cmocka_unit_test(a_stream_that_ends_early_or_goes_on_is_ignored),
        cmocka_unit_test(a_deflated_batch_is_taken_also_when_it_has_to_be_replayed),
        cmocka_unit_test(frames_of_a_user_that_is_no_relay_are_nothing),
        cmocka_unit_test(nothing_counts_before_hello),
        cmocka_unit_test(acks_of_what_was_never_sent_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
