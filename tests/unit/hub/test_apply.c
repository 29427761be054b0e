/* What a hub has ordered ends in a site in the same bytes, the same chain and the same state, in whatever pieces it comes. */
#include "plugin/hub/site.h"
#include "tests/unit/hub/site_kit.h"
#include "tests/unit/hub/trunk_script.h"

#define SEEDS 200
#define STEPS 60

struct world {
    struct kit hub;
    struct kit site;
    struct far f;
    struct script s;
};

static struct world *open_world(uint64_t seed)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    kit_open(&w->hub);
    site_open_kit(&w->site);
    far_init(&w->f, &w->site);
    script_init(&w->s, seed);
    far_meet(&w->f);
    return w;
}

static void close_world(struct world *w)
{
    far_fini(&w->f);
    kit_close(&w->site);
    kit_close(&w->hub);
    free(w);
}

/* Some events behind what the site has, as they stand in the hub's store now. */
static void feed(struct world *w, const char *name, uint64_t most)
{
    static struct story story;
    uint64_t head = script_conv(&w->site, name).head;
    struct store_conv c = script_conv(&w->hub, name);
    uint64_t upto = head + most < c.head ? head + most : c.head;
    size_t count = 0;
    if (head >= c.head) {
        return;
    }
    story_read(&w->hub, &c, &story);
    struct fp_bytes events = fp_run_cut(fp_bytes_of(story.events, story.len), head + 1, upto, &count);
    far_down(&w->f, sim_below(&w->s.random, 2) == 0 ? 2 : 0, events);
    kit_run(&w->site);
    kit_idle(&w->site);
    far_clear(&w->f);
}

struct vector {
    struct fp_enc rows;
    size_t count;
};

static bool add_horizon(void *arg, const struct store_receipt *r)
{
    struct vector *v = arg;
    if (r->shown_delivered > 0) {
        fp_enc_horizon(&v->rows, &(struct fp_horizon){.id = r->user, .delivered = r->shown_delivered, .read = r->shown_read});
        v->count++;
    }
    return true;
}

static void feed_receipts(struct world *w, const char *name)
{
    uint8_t rows[2000];
    uint8_t buf[3000];
    struct vector v = {0};
    struct fp_enc e;
    struct fp_id id = kit_id(name);
    struct store_conv c = script_conv(&w->hub, name);
    if (c.head == 0) {
        return;
    }
    fp_enc_init(&v.rows, rows, sizeof(rows));
    assert_int_equal(w->hub.fault.inner.each_receipt(w->hub.fault.inner.ctx, c.cid, add_horizon, &v), FP_OK);
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_told_receipts_begin(&e, &id, v.count);
    fp_enc_raw(&e, fp_enc_bytes_of(&v.rows));
    far_down(&w->f, 1, fp_enc_bytes_of(&e));
    kit_run(&w->site);
    far_clear(&w->f);
}

static void step(struct world *w)
{
    struct kit_body b;
    size_t burst = 1 + sim_below(&w->s.random, 4);
    for (; burst > 0; burst--) {
        size_t device = sim_below(&w->s.random, SCRIPT_DEVICES);
        if (sim_chance(&w->s.random, 150)) {
            script_receipt(&w->s, &w->hub, device);
            continue;
        }
        struct fp_command c = script_command(&w->s, &b, device, &w->hub);
        if (c.kind == FP_K_MSG && sim_chance(&w->s.random, 100)) {
            c.has_ttl = true;
            c.ttl_s = 2;
        }
        kit_send(&w->hub, script_devices[device], &c);
    }
    kit_run(&w->hub);
    kit_pass(&w->hub, sim_below(&w->s.random, 1500));
    kit_idle(&w->hub);
    kit_clear(&w->hub);
    if (sim_chance(&w->s.random, 600)) {
        feed(w, script_convs[sim_below(&w->s.random, SCRIPT_CONVS)], 1 + sim_below(&w->s.random, 9));
    }
    if (sim_chance(&w->s.random, 200)) {
        feed_receipts(w, script_convs[sim_below(&w->s.random, SCRIPT_CONVS)]);
    }
    if (sim_chance(&w->s.random, 30)) {
        kit_restart(&w->site);
        w->f.seen = 0;
        far_meet(&w->f);
    }
}

/* All that was ever reported went by the hub. */
static void same_receipts(const struct world *w, const char *conv)
{
    struct store_receipt a = {0};
    struct store_receipt b = {0};
    for (size_t i = 0; i < SCRIPT_USERS; i++) {
        struct fp_id id = kit_id(script_users[i]);
        assert_int_equal(w->hub.fault.inner.load_receipt(w->hub.fault.inner.ctx, script_conv(&w->hub, conv).cid, &id, &a), FP_OK);
        assert_int_equal(w->site.fault.inner.load_receipt(w->site.fault.inner.ctx, script_conv(&w->site, conv).cid, &id, &b), FP_OK);
        if (is_member(&w->hub, conv, script_users[i])) {
            assert_int_equal(a.shown_delivered, b.shown_delivered);
            assert_int_equal(a.shown_read, b.shown_read);
        }
    }
}

static void run_seed(uint64_t seed, uint64_t *out_events, uint64_t *out_replays)
{
    struct world *w = open_world(seed);
    for (size_t i = 0; i < STEPS; i++) {
        step(w);
    }
    for (size_t i = 0; i < SCRIPT_CONVS; i++) {
        feed(w, script_convs[i], UINT64_MAX / 2);
        feed_receipts(w, script_convs[i]);
        same_story(&w->hub, &w->site, script_convs[i]);
        same_receipts(w, script_convs[i]);
    }
    assert_int_equal(w->site.hub->site->counters.apply_failures, 0);
    assert_int_equal(w->site.hub->site->counters.malformed, 0);
    *out_events += hub_stats(w->hub.hub)->events;
    *out_replays += hub_stats(w->site.hub)->replays;
    close_world(w);
}

static void a_site_ends_where_its_hub_is(void **state)
{
    (void)state;
    const char *only = getenv("FP_SEED");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    uint64_t last = only ? first : SEEDS;
    uint64_t events = 0;
    uint64_t replays = 0;
    for (uint64_t seed = first; seed <= last; seed++) {
        print_message("seed %lu\n", (unsigned long)seed);
        run_seed(seed, &events, &replays);
    }
    assert_int_equal(replays, 0);
    assert_true(events > (last - first + 1) * 20); /* the script says something */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_site_ends_where_its_hub_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
