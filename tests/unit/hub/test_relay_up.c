/* Records that a relay brings: decided once, whichever way they come, and acked after the commit alone. */
#include "tests/unit/hub/relay_kit.h"

static struct rk_batch batch;

static void hello_is_answered_with_what_the_hub_has_and_the_scopes(void **state)
{
    struct kit k;
    struct fp_trunk f;
    struct fp_id scope;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    assert_true(rk_told(&k, FP_TRUNK_WELCOME, 0, &f));
    assert_int_equal(f.as.welcome.epoch, mem_store_info(k.mem).epoch);
    assert_int_equal(f.as.welcome.have[2], 0);
    assert_int_equal(f.as.welcome.credit, TRUNK_CREDIT);
    assert_int_equal(f.as.welcome.at.ms, k.wall.ms);
    assert_int_equal(f.as.welcome.scope_count, 2);
    assert_true(fp_trunk_scope(&f.as.welcome, &scope));
    assert_memory_equal(scope.text, "house", 5);
    assert_true(fp_trunk_scope(&f.as.welcome, &scope));
    assert_memory_equal(scope.text, "shed", 4);
    assert_int_equal(rk_peer(&k).epoch, RK_EPOCH);
    kit_close(&k);
}

static void a_batch_makes_events_with_their_place_in_the_relays_order(void **state)
{
    struct kit k;
    uint64_t credit = 0;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    rk_begin(&batch);
    for (uint64_t n = 1; n <= 3; n++) {
        rk_add_msg(&batch, "ben", "ben-pad", n, "kitchen");
    }
    rk_send(&k, &batch, FP_LANE_MESSAGES, 1);
    kit_run(&k);
    assert_int_equal(rk_head(&k, "kitchen"), 4);
    assert_int_equal(rk_acked(&k, 2, &credit), 3);
    assert_int_equal(credit, TRUNK_CREDIT);
    assert_int_equal(rk_count(&k, FP_TRUNK_ACK), 1);
    assert_int_equal(rk_count(&k, FP_TRUNK_REFUSE), 0);
    assert_int_equal(rk_peer(&k).have[2], 3);
    assert_true(kit_acked(&k, "ben-pad", 3, 4));

    size_t at = fake_bus_find(&k.bus, "fp/1/scope/house/conv/kitchen/event", 0);
    struct fp_dec d;
    struct fp_event ev;
    fp_dec_init(&d, fake_bus_at(&k.bus, at)->tell.payload);
    assert_int_equal(fp_dec_array(&d), 3);
    assert_int_equal(fp_event_decode(fp_dec_raw(&d), &ev), FP_OK);
    assert_memory_equal(ev.branch_relay.text, "ridge", 5);
    assert_int_equal(ev.branch_base, 1);
    assert_int_equal(ev.branch_k, 1);
    assert_int_equal(ev.flags, 0);
    assert_true(at < fake_bus_find(&k.bus, RK_DOWN, 0)); /* R1 */
    kit_close(&k);
}

static void the_time_in_custody_counts_as_age(void **state)
{
    struct kit k;
    struct kit_body b;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    rk_begin(&batch);
    struct fp_command c = kit_msg(&b, 1, "kitchen", "old");
    c.has_age = true;
    c.age_ms = 1000;
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){.has_custody = true, .custody_ms = 59000});
    c = kit_msg(&b, 2, "kitchen", "too old");
    c.has_ttl = true;
    c.ttl_s = 10;
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){.has_custody = true, .custody_ms = 59000});
    c = kit_msg(&b, 3, "kitchen", "from before there was time");
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){.has_custody = true, .custody_ms = UINT64_MAX});
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);

    struct fp_event ev;
    struct fp_dec d;
    size_t at = fake_bus_find(&k.bus, "fp/1/scope/house/conv/kitchen/event", 0);
    fp_dec_init(&d, fake_bus_at(&k.bus, at)->tell.payload);
    assert_int_equal(fp_dec_array(&d), 2);
    assert_int_equal(fp_event_decode(fp_dec_raw(&d), &ev), FP_OK);
    assert_int_equal(ev.composed.ms, ev.at.ms - 60000);
    assert_int_equal(ev.flags, FP_FLAG_OFFLINE);
    assert_int_equal(fp_event_decode(fp_dec_raw(&d), &ev), FP_OK);
    assert_int_equal(ev.composed.ms, 0);
    assert_int_equal(rk_refused(&k, 2, 2), FP_EEXPIRED);
    assert_int_equal(rk_next_n(&k, "ben-pad"), 4);
    kit_close(&k);
}

static void the_same_batch_again_is_acked_again_and_nothing_else(void **state)
{
    struct kit k;
    uint64_t credit = 0;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    kit_clear(&k);
    rk_send(&k, &batch, 2, 1);
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    assert_int_equal(rk_count(&k, FP_TRUNK_ACK), 1);
    assert_int_equal(rk_acked(&k, 2, &credit), 1);
    /* And one that has it and a new one besides. */
    rk_add_msg(&batch, "ben", "ben-pad", 2, "kitchen");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_head(&k, "kitchen"), 3);
    assert_int_equal(rk_acked(&k, 2, &credit), 2);
    kit_close(&k);
}

static void what_came_another_way_before_is_no_second_event_and_no_refusal(void **state)
{
    struct kit k;
    struct kit_body b;
    uint64_t credit = 0;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    struct fp_command c = kit_msg(&b, 1, "kitchen", "from the ridge");
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    assert_int_equal(rk_acked(&k, 2, &credit), 1);
    assert_int_equal(rk_count(&k, FP_TRUNK_REFUSE), 0);
    kit_close(&k);
}

static void a_hole_is_asked_for(void **state)
{
    struct kit k;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 5);
    kit_run(&k);
    assert_true(rk_told(&k, FP_TRUNK_NACK, 0, &f));
    assert_int_equal(f.as.nack.lane, 2);
    assert_int_equal(f.as.nack.expected, 1);
    assert_int_equal(rk_head(&k, "kitchen"), 1);
    assert_int_equal(rk_peer(&k).have[2], 0);
    kit_close(&k);
}

static void refusals_reach_the_relay_with_their_code(void **state)
{
    struct kit k;
    struct kit_body b;
    uint64_t credit = 0;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 3, "kitchen"); /* 1: the first two are missing */
    rk_add_msg(&batch, "ben", "ben-pad", 1, "attic");   /* 2: there is none */
    struct fp_command c = kit_msg(&b, 1, "kitchen", "other content");
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){0}); /* 3 */
    rk_add_msg(&batch, "ben", "ben-pad", 1, "attic");               /* 4: as 2 */
    rk_add_msg(&batch, "ben", "anna-phone", 2, "kitchen");          /* 5: hers */
    rk_add_msg(&batch, "ben", "ben-pad", 2, "kitchen");             /* 6: fine */
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EGAP);
    assert_int_equal(rk_refused(&k, 2, 2), FP_EUNKNOWN);
    assert_int_equal(rk_refused(&k, 2, 3), FP_ECONFLICT);
    assert_int_equal(rk_refused(&k, 2, 4), FP_EUNKNOWN);
    assert_int_equal(rk_refused(&k, 2, 5), FP_EIDENTITY);
    assert_int_equal(rk_count(&k, FP_TRUNK_REFUSE), 5);
    assert_int_equal(rk_acked(&k, 2, &credit), 6);
    assert_int_equal(rk_next_n(&k, "ben-pad"), 3);
    assert_int_equal(rk_next_n(&k, "anna-phone"), 2);
    assert_int_equal(kit_replies(&k, "anna-phone"), 0);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    kit_close(&k);
}

/* Of record 1 in lane 2. */
static void open_with_a_refusal(struct kit *k)
{
    rk_open(k);
    rk_hello(k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "attic");
    rk_send(k, &batch, 2, 1);
    kit_run(k);
}

static void a_refusal_is_told_again_after_a_hello(void **state)
{
    struct kit k;
    (void)state;
    open_with_a_refusal(&k);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    kit_clear(&k);
    struct fp_trunk_hello h = rk_hello_of();
    h.lanes[2] = (struct fp_lane_range){.oldest = 2, .next = 2};
    rk_say_hello(&k, h, NULL, 0);
    kit_run(&k);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EUNKNOWN);
    kit_close(&k);
}

/* Its hello came twice, one copy right behind the other. */
static void refusals_of_another_log_are_forgotten(void **state)
{
    struct kit k;
    (void)state;
    open_with_a_refusal(&k);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EUNKNOWN);
    kit_relay_gone(&k, "ridge");
    kit_run(&k);
    kit_clear(&k);
    struct fp_trunk_hello h = rk_hello_of();
    h.epoch = RK_EPOCH + 1;
    rk_say_hello(&k, h, NULL, 0);
    rk_say_hello(&k, h, NULL, 0);
    kit_run(&k);
    assert_int_equal(rk_count(&k, FP_TRUNK_WELCOME), 2);
    assert_int_equal(rk_count(&k, FP_TRUNK_REFUSE), 0);
    kit_close(&k);
}

static void what_the_relay_has_refused_uses_up_its_number(void **state)
{
    struct kit k;
    struct kit_body b;
    struct fp_command bare = {.kind = FP_K_MSG, .n = 1, .priority = FP_PRIORITY_NORMAL};
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add(&batch, "ben", "ben-pad", &bare, (struct fp_record_up){.has_custody = true, .refused = FP_EDENIED});
    rk_add_msg(&batch, "ben", "ben-pad", 2, "kitchen");
    rk_add(&batch, "ben", "ben-pad", &bare, (struct fp_record_up){.has_custody = true, .refused = FP_EDENIED}); /* n = 1 again */
    bare.n = 9;
    rk_add(&batch, "ben", "ben-pad", &bare, (struct fp_record_up){.has_custody = true, .refused = FP_EDENIED});
    bare.n = 3;
    rk_add(&batch, "ben", "ben-pad", &bare,
           (struct fp_record_up){.has_custody = true, .refused = FP_EBUSY}); /* nothing is refused for good for that */
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_next_n(&k, "ben-pad"), 3);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EDENIED); /* only now may the device be told */
    assert_int_equal(rk_refused(&k, 2, 2), FP_OK);
    assert_int_equal(rk_refused(&k, 2, 3), FP_EDENIED);
    assert_int_equal(rk_refused(&k, 2, 4), FP_EGAP);
    assert_int_equal(rk_count(&k, FP_TRUNK_REFUSE), 4);
    /* The device asks the hub itself: the same answer. */
    struct fp_command c = kit_msg(&b, 1, "kitchen", "may I?");
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    assert_true(kit_nacked(&k, "ben-pad", FP_EDENIED));
    kit_close(&k);
}

/* Whoever brings it, the first answer counts; and a relay that will not see the event is told. */
static void what_another_one_has_brought_is_known_though_it_is_of_another_scope(void **state)
{
    struct kit k;
    struct kit_body b;
    struct fp_trunk f;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    struct fp_command add = kit_member(&b, 2, FP_K_MEMBER_ADD, "field", "ben", FP_ROLE_MEMBER, -1);
    kit_send(&k, "zoe-phone", &add);
    struct fp_command c = kit_msg(&b, 1, "field", "from the ridge");
    kit_send(&k, "ben-pad", &c);
    kit_run(&k);
    kit_idle(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "field");
    rk_add_msg(&batch, "ben", "ben-pad", 2, "field");
    rk_add_msg(&batch, "ben", "ben-pad", 2, "field");
    rk_add_msg(&batch, "ben", "ben-pad", 3, "kitchen");
    rk_add_msg(&batch, "ben", "ben-pad", 3, "kitchen"); /* of this one the event comes */
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_count(&k, FP_TRUNK_KNOWN), 1);
    assert_true(rk_told(&k, FP_TRUNK_KNOWN, 0, &f));
    struct fp_id field = kit_id("field");
    assert_true(f.as.known.lane == 2 && f.as.known.number == 1 && f.as.known.seq == 3 && fp_id_eq(&f.as.known.conv, &field));
    assert_int_equal(rk_refused(&k, 2, 1), FP_OK);
    assert_int_equal(rk_refused(&k, 2, 2), FP_EDENIED);
    assert_int_equal(rk_refused(&k, 2, 3), FP_EDENIED);
    assert_int_equal(rk_next_n(&k, "ben-pad"), 4);
    assert_int_equal(rk_head(&k, "field"), 3);
    assert_int_equal(rk_head(&k, "kitchen"), 2);
    kit_close(&k);
}

static void receipts_and_status_come_by_a_relay_too(void **state)
{
    struct kit k;
    struct kit_body b;
    uint64_t credit = 0;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    rk_begin(&batch);
    struct fp_enc *e = &b.e;
    fp_enc_init(e, b.buf, sizeof(b.buf));
    fp_enc_map(e, 1);
    fp_enc_text(e, "kitchen", 7);
    fp_enc_array(e, 2);
    fp_enc_uint(e, 1);
    fp_enc_uint(e, 1);
    struct fp_command c = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(e)};
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){0});
    c = (struct fp_command){.kind = FP_K_HEADS, .priority = FP_PRIORITY_NORMAL}; /* asks: that is for a session */
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){0});
    rk_send(&k, &batch, FP_LANE_RECEIPTS, 1);
    kit_run(&k);
    struct store_port p = mem_store_port(k.mem);
    struct store_receipt r;
    struct store_conv conv;
    struct fp_id id = kit_id("kitchen");
    struct fp_id ben = kit_id("ben");
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &conv, &found), FP_OK);
    assert_int_equal(p.load_receipt(p.ctx, conv.cid, &ben, &r), FP_OK);
    assert_int_equal(r.read, 1);
    assert_int_equal(rk_acked(&k, FP_LANE_RECEIPTS, &credit), 2);
    assert_int_not_equal(rk_refused(&k, FP_LANE_RECEIPTS, 2), FP_OK);
    kit_close(&k);
}

/* ------------------------------------------------------------------ the store fails */

static uint64_t read_of(const struct kit *k, const char *conv, const char *user)
{
    struct store_port p = mem_store_port(k->mem);
    struct store_receipt r;
    struct store_conv c;
    struct fp_id id = kit_id(conv);
    struct fp_id who = kit_id(user);
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    assert_int_equal(p.load_receipt(p.ctx, c.cid, &who, &r), FP_OK);
    return r.read;
}

static void put_read(struct fp_enc *e, const char *conv, uint64_t seq)
{
    fp_enc_text(e, conv, strlen(conv));
    fp_enc_array(e, 2);
    fp_enc_uint(e, seq);
    fp_enc_uint(e, seq);
}

/* Of several conversations: he was put out of one, and one is of another scope. */
static void of_receipts_each_counts_for_itself(void **state)
{
    struct kit k;
    struct kit_body b;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    struct fp_command c = kit_member(&b, 2, FP_K_MEMBER_ADD, "field", "ben", FP_ROLE_MEMBER, -1);
    kit_send(&k, "zoe-phone", &c);
    c = kit_conv_new(&b, 2, "attic", "shed", NULL, NULL, 0); /* without ben */
    kit_send(&k, "anna-phone", &c);
    kit_run(&k);
    struct fp_enc *e = &b.e;
    fp_enc_init(e, b.buf, sizeof(b.buf));
    fp_enc_map(e, 3);
    put_read(e, "attic", 1);
    put_read(e, "field", 1);
    put_read(e, "kitchen", 1);
    c = (struct fp_command){.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(e)};
    rk_begin(&batch);
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){0});
    rk_send(&k, &batch, FP_LANE_RECEIPTS, 1);
    kit_run(&k);
    assert_int_equal(read_of(&k, "kitchen", "ben"), 1);
    assert_int_equal(read_of(&k, "attic", "ben"), 0);
    assert_int_equal(read_of(&k, "field", "ben"), 0);
    assert_int_equal(rk_refused(&k, FP_LANE_RECEIPTS, 1), FP_OK);
    kit_close(&k);
}

/* What a site brings for a message that lies in an archive that is away: refused, and what comes after it is taken. */
static void what_needs_the_archive_holds_nothing_up(void **state)
{
    struct kit k;
    struct kit_body b;
    (void)state;
    rk_open(&k);
    for (uint64_t n = 2; n < 8; n++) {
        struct fp_command m = kit_msg(&b, n, "kitchen", "hello");
        kit_send(&k, "anna-phone", &m);
        kit_run(&k);
    }
    rk_hello(&k);
    mem_store_set_away(k.mem, 4);
    struct fp_command c = {.kind = FP_K_DELETE, .n = 1, .conv = kit_id("kitchen"), .seen = 7, .ref = 3, .priority = FP_PRIORITY_NORMAL};
    rk_begin(&batch);
    rk_add(&batch, "anna", "anna-pad", &c, (struct fp_record_up){.has_custody = true, .custody_ms = 5, .base = 7, .k = 1});
    rk_add_msg(&batch, "anna", "anna-pad", 2, "kitchen");
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(k.last, FP_OK);
    assert_int_equal(rk_refused(&k, 2, 1), FP_EUNKNOWN);
    assert_int_equal(rk_head(&k, "kitchen"), 8);
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    put_read(&b.e, "kitchen", 3);
    c = (struct fp_command){.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    rk_begin(&batch);
    rk_add(&batch, "ben", "ben-pad", &c, (struct fp_record_up){0});
    rk_send(&k, &batch, FP_LANE_RECEIPTS, 1);
    kit_run(&k);
    assert_int_equal(read_of(&k, "kitchen", "ben"), 0);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    rk_send(&k, &batch, 2, 3);
    kit_run(&k);
    assert_int_equal(rk_head(&k, "kitchen"), 9);
    kit_close(&k);
}

static void no_ack_leaves_when_the_commit_fails_and_the_batch_comes_again(void **state)
{
    uint64_t credit = 0;
    (void)state;
    rk_begin(&batch);
    for (uint64_t n = 1; n <= 3; n++) {
        rk_add_msg(&batch, "ben", "ben-pad", n, "kitchen");
    }
    for (uint64_t at = 1; at < 60; at++) {
        struct kit k;
        rk_open(&k);
        rk_hello(&k);
        kit_clear(&k);
        fault_store_arm(&k.fault, at, FP_EIO, true);
        rk_send(&k, &batch, 2, 1);
        kit_run(&k);
        uint64_t have = rk_acked(&k, 2, &credit);
        assert_true(have <= rk_peer(&k).have[2]);
        bool failed = k.fault.failed > 0;
        fault_store_disarm(&k.fault);
        kit_clear(&k);
        rk_send(&k, &batch, 2, 1); /* at once: it is not taken, for the store has just failed */
        kit_run(&k);
        kit_pass(&k, 1100);
        kit_run(&k);
        (void)rk_acked(&k, 2, &credit);
        assert_true(credit == TRUNK_CREDIT || !failed);
        rk_send(&k, &batch, 2, 1);
        kit_run(&k);
        assert_int_equal(rk_acked(&k, 2, &credit), 3);
        assert_int_equal(rk_head(&k, "kitchen"), 4);
        assert_int_equal(rk_peer(&k).have[2], 3);
        assert_int_equal(rk_next_n(&k, "ben-pad"), 4);
        kit_close(&k);
    }
}

static void one_failure_costs_one_replay_and_nothing_is_acked_twice_over(void **state)
{
    uint64_t credit = 0;
    (void)state;
    rk_begin(&batch);
    for (uint64_t n = 1; n <= 3; n++) {
        rk_add_msg(&batch, "ben", "ben-pad", n, "kitchen");
    }
    for (uint64_t at = 1; at < 60; at++) {
        struct kit k;
        rk_open(&k);
        rk_hello(&k);
        kit_clear(&k);
        fault_store_arm(&k.fault, at, FP_EFULL, false);
        rk_send(&k, &batch, 2, 1);
        kit_run(&k);
        kit_idle(&k);
        assert_int_equal(rk_acked(&k, 2, &credit), rk_peer(&k).have[2]);
        assert_int_equal(rk_head(&k, "kitchen"), 1 + rk_peer(&k).have[2]);
        assert_int_equal(rk_peer(&k).have[2], 3); /* the replay is good */
        kit_close(&k);
    }
}

static void a_full_store_takes_the_credit_and_gives_it_back(void **state)
{
    struct kit k;
    uint64_t credit = 0;
    (void)state;
    rk_open(&k);
    rk_hello(&k);
    kit_clear(&k);
    rk_begin(&batch);
    rk_add_msg(&batch, "ben", "ben-pad", 1, "kitchen");
    fault_store_arm(&k.fault, 1, FP_EFULL, true);
    rk_send(&k, &batch, 2, 1);
    kit_run(&k);
    assert_int_equal(rk_acked(&k, 2, &credit), 0);
    assert_int_equal(credit, 0);
    fault_store_disarm(&k.fault);
    kit_clear(&k);
    kit_pass(&k, 999);
    kit_run(&k);
    (void)rk_acked(&k, 2, &credit);
    assert_int_equal(credit, UINT64_MAX);
    kit_pass(&k, 1);
    assert_int_equal(hub_wait_us(k.hub, k.mono), 0);
    kit_run(&k);
    assert_int_equal(rk_acked(&k, 2, &credit), 0);
    assert_int_equal(credit, TRUNK_CREDIT);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_answered_with_what_the_hub_has_and_the_scopes),
        cmocka_unit_test(a_batch_makes_events_with_their_place_in_the_relays_order),
        cmocka_unit_test(the_time_in_custody_counts_as_age),
        cmocka_unit_test(the_same_batch_again_is_acked_again_and_nothing_else),
        cmocka_unit_test(what_came_another_way_before_is_no_second_event_and_no_refusal),
        cmocka_unit_test(a_hole_is_asked_for),
        cmocka_unit_test(refusals_reach_the_relay_with_their_code),
        cmocka_unit_test(a_refusal_is_told_again_after_a_hello),
        cmocka_unit_test(refusals_of_another_log_are_forgotten),
        cmocka_unit_test(what_the_relay_has_refused_uses_up_its_number),
        cmocka_unit_test(what_another_one_has_brought_is_known_though_it_is_of_another_scope),
        cmocka_unit_test(receipts_and_status_come_by_a_relay_too),
        cmocka_unit_test(of_receipts_each_counts_for_itself),
        cmocka_unit_test(what_needs_the_archive_holds_nothing_up),
        cmocka_unit_test(no_ack_leaves_when_the_commit_fails_and_the_batch_comes_again),
        cmocka_unit_test(one_failure_costs_one_replay_and_nothing_is_acked_twice_over),
        cmocka_unit_test(a_full_store_takes_the_credit_and_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
