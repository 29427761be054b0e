/* A link that loses, repeats and reorders, a hub that dies, a pipe that comes and goes: both have all of it, once, and there never was a hole. */
#include "tests/support/sim_random.h"
#include "tests/unit/hub/relay_kit.h"

#define SEEDS 60
#define STEPS 300
#define DELAYED_MAX 64

struct world {
    struct kit k;
    struct rk_site s;
    struct sim_random random;
    bool open;       /* welcome has come */
    bool calm;       /* nothing is lost any more */
    uint64_t anna_n; /* her next */
    uint64_t taken;  /* ben's messages in the site's custody */
    uint64_t up_have;
    struct delayed {
        uint8_t *p;
        size_t len;
    } delayed[DELAYED_MAX];
    size_t delayed_count;
};

static uint64_t roll(struct world *w, uint64_t sides)
{
    return sim_below(&w->random, sides);
}

static void drop_delayed(struct world *w)
{
    for (size_t i = 0; i < w->delayed_count; i++) {
        free(w->delayed[i].p);
    }
    w->delayed_count = 0;
}

/* What was on its way is lost, or comes before the welcome, which is the same to a site. */
static void hello(struct world *w)
{
    struct fp_trunk_hello h = rk_hello_of();
    memcpy(h.have, w->s.have, sizeof(h.have));
    h.lanes[2].oldest = w->up_have + 1;
    h.lanes[2].next = w->taken + 1;
    rk_say_hello(&w->k, h, NULL, 0);
    w->open = false;
    w->s.seen = w->k.bus.count;
    drop_delayed(w);
}

static void lose_pipe(struct world *w)
{
    kit_relay_gone(&w->k, "ridge");
    kit_run(&w->k);
    hello(w);
}

static void take(struct world *w, struct fp_bytes payload)
{
    struct fp_trunk f;
    assert_int_equal(fp_trunk_decode(payload, &f), FP_OK);
    if (f.what == FP_TRUNK_WELCOME && !w->open) {
        w->open = true;
        assert_true(f.as.welcome.have[2] >= w->up_have && f.as.welcome.have[2] <= w->taken);
        w->up_have = f.as.welcome.have[2];
    } else if (f.what == FP_TRUNK_ACK && w->open && f.as.ack.lane == 2) {
        assert_true(f.as.ack.have <= w->taken);
        w->up_have = f.as.ack.have > w->up_have ? f.as.ack.have : w->up_have;
    } else if (f.what == FP_TRUNK_BATCH && w->open) {
        rk_take_batch(&w->s, &f.as.batch);
        if (w->calm || roll(w, 5) > 0) {
            rk_ack(&w->k, (unsigned)f.as.batch.lane, w->s.have[f.as.batch.lane], TRUNK_CREDIT);
        }
    } else {
        assert_int_not_equal(f.what, FP_TRUNK_RESET);
        assert_int_not_equal(f.what, FP_TRUNK_REFUSE);
    }
}

static void delay(struct world *w, struct fp_bytes payload)
{
    if (w->delayed_count < DELAYED_MAX) {
        struct delayed *d = &w->delayed[w->delayed_count++];
        d->p = malloc(payload.len);
        assert_non_null(d->p);
        memcpy(d->p, payload.p, payload.len);
        d->len = payload.len;
    }
}

static void deliver(struct world *w)
{
    for (; fake_bus_at(&w->k.bus, w->s.seen); w->s.seen++) {
        const struct fake_tell *t = fake_bus_at(&w->k.bus, w->s.seen);
        if (strcmp(t->text, RK_DOWN) != 0) {
            continue;
        }
        uint64_t fate = w->calm ? 9 : roll(w, 10);
        if (fate == 1 || fate == 2) {
            delay(w, t->tell.payload);
        }
        if (fate > 1) {
            take(w, t->tell.payload);
        }
    }
    while (w->delayed_count > 0 && roll(w, 2) == 0) {
        struct delayed d = w->delayed[--w->delayed_count];
        take(w, fp_bytes_of(d.p, d.len));
        free(d.p);
    }
    kit_clear(&w->k);
    w->s.seen = 0;
}

static void write_one(struct world *w, const char *conv, bool safety)
{
    struct kit_body b;
    struct fp_command c = kit_msg(&b, w->anna_n++, conv, "some words of anna's that are not very long");
    c.priority = safety ? FP_PRIORITY_SAFETY : FP_PRIORITY_NORMAL;
    kit_send(&w->k, "anna-phone", &c);
}

static void send_up(struct world *w)
{
    static struct rk_batch b;
    uint64_t first = w->up_have + 1;
    rk_begin(&b);
    for (uint64_t n = first; n <= w->taken && b.count < 4; n++) {
        rk_add_msg(&b, "ben", "ben-pad", n, "kitchen");
    }
    if (b.count > 0 && w->open) {
        rk_send(&w->k, &b, 2, first);
    }
}

static void read_some(struct world *w)
{
    struct kit_body b;
    uint64_t head = rk_head(&w->k, "kitchen");
    fp_enc_init(&b.e, b.buf, sizeof(b.buf));
    fp_enc_map(&b.e, 1);
    fp_enc_text(&b.e, "kitchen", 7);
    fp_enc_array(&b.e, 1);
    fp_enc_uint(&b.e, head);
    struct fp_command c = {.kind = FP_K_RECEIPT, .priority = FP_PRIORITY_NORMAL, .body = fp_enc_bytes_of(&b.e)};
    kit_send(&w->k, "anna-phone", &c);
}

static void step(struct world *w)
{
    static const struct {
        uint64_t weight;
        int what;
    } acts[] = {{30, 0}, {10, 1}, {3, 2}, {6, 3}, {12, 4}, {1, 5}, {1, 6}, {1, 7}, {36, 8}};
    uint64_t at = roll(w, 100);
    size_t i = 0;
    for (; at >= acts[i].weight; i++) {
        at -= acts[i].weight;
    }
    uint64_t many = roll(w, 12);
    switch (acts[i].what) {
    case 0:
    case 1:
        for (uint64_t j = 0; j <= many; j++) {
            write_one(w, acts[i].what ? "attic" : "kitchen", false);
        }
        break;
    case 2:
        write_one(w, roll(w, 2) ? "attic" : "kitchen", true);
        break;
    case 3:
        read_some(w);
        break;
    case 4:
        w->taken += roll(w, 3);
        send_up(w);
        break;
    case 5:
        lose_pipe(w);
        break;
    case 6:
        hello(w);
        break;
    case 7:
        kit_run(&w->k);
        kit_restart(&w->k);
        w->s.seen = 0;
        hello(w);
        break;
    default:
        kit_pass(&w->k, 20 + roll(w, 900));
    }
}

static uint64_t shown(const struct kit *k)
{
    struct store_port p = mem_store_port(k->mem);
    static const char *const users[] = {"anna", "ben"};
    struct fp_id id = kit_id("kitchen");
    struct store_conv c;
    uint64_t sum = 0;
    bool found = false;
    assert_int_equal(p.load_conv(p.ctx, &id, &c, &found), FP_OK);
    for (size_t i = 0; i < 2; i++) {
        struct store_receipt r;
        id = kit_id(users[i]);
        assert_int_equal(p.load_receipt(p.ctx, c.cid, &id, &r), FP_OK);
        sum += r.shown_delivered;
    }
    return sum;
}

static void settle(struct world *w)
{
    w->calm = true;
    hello(w);
    for (int i = 0; i < 400; i++) {
        send_up(w);
        kit_run(&w->k);
        kit_idle(&w->k);
        deliver(w);
        kit_pass(&w->k, 100);
    }
    assert_true(w->open);
    assert_int_equal(w->up_have, w->taken);
    assert_int_equal(rk_next_n(&w->k, "ben-pad"), w->taken == 0 ? 0 : w->taken + 1);
    assert_int_equal(w->s.next_seq[0], rk_head(&w->k, "kitchen"));
    assert_int_equal(w->s.next_seq[1], rk_head(&w->k, "attic"));
    assert_int_equal(w->s.next_seq[0] + w->s.next_seq[1], w->anna_n - 1 + w->taken); /* each command once */
    assert_int_equal(w->s.delivered_sum, shown(&w->k));
}

static void run(uint64_t seed)
{
    static struct world w;
    struct kit_body b;
    print_message("seed %llu\n", (unsigned long long)seed);
    w = (struct world){.random = {seed}, .anna_n = 2};
    rk_open(&w.k);
    w.s = rk_site_new();
    (void)snprintf(w.s.other, sizeof(w.s.other), "attic");
    struct fp_command c = kit_conv_new(&b, w.anna_n++, "attic", "shed", NULL, NULL, 0);
    kit_send(&w.k, "anna-phone", &c);
    kit_run(&w.k);
    hello(&w);
    for (int i = 0; i < STEPS; i++) {
        step(&w);
        kit_run(&w.k);
        kit_idle(&w.k);
        deliver(&w);
        if (!w.open && roll(&w, 6) == 0) {
            hello(&w);
        }
    }
    settle(&w);
    drop_delayed(&w);
    kit_close(&w.k);
}

static void both_have_all_of_it_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_have_all_of_it_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
