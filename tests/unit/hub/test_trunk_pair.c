/*
 * A hub and a site on a pipe that loses, repeats, reorders and breaks, with devices at both ends and some that go from one to the other; both may
 * be killed, and their disks may fail. In the end nothing is lost, nothing is there twice, and both tell the same story.
 * FP_SEED=n runs one seed, FP_SEEDS=n that many.
 */
#include "plugin/hub/site.h"
#include "tests/unit/hub/site_kit.h"
#include "tests/unit/hub/trunk_script.h"

#define SEEDS 50
#define BUSY_TICKS 400
#define CALM_TICKS 3000
#define FRAMES_MAX 4096
#define OUTBOX 96
#define WINDOW 8
#define RESEND_MS 3000

struct frame {
    uint8_t *bytes; /* own_ */
    size_t len;
    uint64_t due_ms;
};

struct pipe { /* one way */
    struct frame frames[FRAMES_MAX];
    size_t count;
};

enum fate {
    OPEN,
    RELAYED,
    ACKED,
    NACKED,
};

struct sent {
    uint8_t bytes[512];
    size_t len;
    uint64_t n;
    enum fate fate;
    bool tried;
    uint64_t at_ms;
    uint64_t seq;
};

struct device {
    bool at_site, wanders;
    struct sent out[OUTBOX];
    size_t count;
};

struct pair {
    struct kit hub;
    struct kit site;
    struct script s;
    struct pipe up, down;
    bool piped, rough;
    unsigned loss, again; /* per mille */
    uint64_t lag_ms;
    uint64_t ms;
    struct device devices[SCRIPT_DEVICES];
};

/* ------------------------------------------------------------------ the pipe */

static void pipe_clear(struct pipe *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->frames[i].bytes);
    }
    p->count = 0;
}

static void pipe_put(struct pair *w, struct pipe *p, struct fp_bytes in)
{
    unsigned copies = w->rough && sim_chance(&w->s.random, w->again) ? 2 : 1;
    if (!w->piped || (w->rough && sim_chance(&w->s.random, w->loss))) {
        return;
    }
    for (; copies > 0 && p->count < FRAMES_MAX; copies--) {
        struct frame *f = &p->frames[p->count++];
        *f = (struct frame){.bytes = malloc(in.len + 1), .len = in.len, .due_ms = w->ms + 20};
        memcpy(f->bytes, in.p, in.len);
        f->due_ms += w->rough ? sim_below(&w->s.random, w->lag_ms) : 0;
    }
}

static void pipe_deliver(struct pair *w, struct pipe *p, bool up)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct frame f = p->frames[i];
        struct kit *to = up ? &w->hub : &w->site;
        if (f.due_ms > w->ms || to->count >= 100) {
            p->frames[kept++] = f;
            continue;
        }
        if (up) {
            kit_relay_frame(to, RELAY, fp_bytes_of(f.bytes, f.len));
        } else {
            kit_raw(to, RELAY, FP_TOPIC_RELAY_DOWN, fp_bytes_of(f.bytes, f.len));
        }
        free(f.bytes);
    }
    p->count = kept;
}

static void cut(struct pair *w)
{
    if (w->piped) {
        w->piped = false;
        pipe_clear(&w->up);
        pipe_clear(&w->down);
        kit_disconnect(&w->site, RELAY);
        kit_relay_gone(&w->hub, RELAY);
    }
}

static void join(struct pair *w)
{
    if (!w->piped) {
        w->piped = true;
        kit_raw(&w->site, RELAY, FP_TOPIC_RELAY_DOWN, fp_bytes_of("", 0));
    }
}

/* ------------------------------------------------------------------ devices */

static struct kit *home(struct pair *w, size_t d)
{
    return w->devices[d].at_site ? &w->site : &w->hub;
}

static uint64_t oldest_open(const struct pair *w, size_t d)
{
    const struct device *dev = &w->devices[d];
    for (size_t i = 0; i < dev->count; i++) {
        if (dev->out[i].fate < ACKED) {
            return dev->out[i].n;
        }
    }
    return w->s.n[d];
}

static void hello(struct pair *w, size_t d)
{
    uint8_t buf[64];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 2);
    fp_enc_uint(&e, FP_HELLO_PROTOCOL);
    fp_enc_uint(&e, FP_PROTOCOL);
    fp_enc_uint(&e, FP_HELLO_NEXT);
    fp_enc_uint(&e, oldest_open(w, d));
    struct fp_command c = {.kind = FP_K_HELLO, .body = fp_enc_bytes_of(&e), .priority = FP_PRIORITY_NORMAL};
    kit_send(home(w, d), script_devices[d], &c);
    for (size_t i = 0; i < w->devices[d].count; i++) { /* all that is not final is sent here */
        w->devices[d].out[i].tried = false;
    }
}

static void compose(struct pair *w, size_t d)
{
    struct device *dev = &w->devices[d];
    struct kit_body b;
    struct fp_enc e;
    if (dev->count == OUTBOX) {
        return;
    }
    struct fp_command c = script_command(&w->s, &b, d, home(w, d));
    struct sent *s = &dev->out[dev->count++];
    *s = (struct sent){.n = c.n};
    fp_enc_init(&e, s->bytes, sizeof(s->bytes));
    assert_true(fp_command_encode(&e, &c));
    s->len = e.len;
}

/* In order, a few at a time; what had no answer at all is sent again after a while, with all that follows. */
static void push(struct pair *w, size_t d)
{
    struct device *dev = &w->devices[d];
    size_t flying = 0;
    for (size_t i = 0; i < dev->count && flying < WINDOW; i++) {
        struct sent *s = &dev->out[i];
        bool waits = s->fate == OPEN || (s->fate == RELAYED && !s->tried);
        if (!waits) {
            continue;
        }
        flying++;
        if (!s->tried || w->ms - s->at_ms >= RESEND_MS) {
            s->tried = true;
            s->at_ms = w->ms;
            kit_raw(home(w, d), script_devices[d], FP_TOPIC_DEVICE_UP, fp_bytes_of(s->bytes, s->len));
        }
    }
}

static struct sent *sent_of(struct device *dev, uint64_t n)
{
    for (size_t i = 0; i < dev->count; i++) {
        if (dev->out[i].n == n) {
            return &dev->out[i];
        }
    }
    return NULL;
}

static void hear(struct pair *w, size_t d, bool from_site, struct fp_bytes payload)
{
    struct device *dev = &w->devices[d];
    struct fp_reply r;
    struct fp_answer a;
    if (dev->at_site != from_site) {
        return;
    }
    assert_int_equal(fp_reply_decode(payload, &r), FP_OK);
    if (r.what == FP_REPLY_NACK && r.as.nack.n > 0) {
        struct sent *s = sent_of(dev, r.as.nack.n);
        if (s && !r.as.nack.retry) {
            assert_int_not_equal(s->fate, ACKED); /* states never go back */
            s->fate = NACKED;
        }
    }
    for (size_t i = 0; r.what == FP_REPLY_NACK && r.as.nack.code == FP_EGAP && i < dev->count; i++) { /* from there on once more */
        struct sent *s = &dev->out[i];
        s->tried = s->tried && !(r.as.nack.next_n > 0 && s->n >= r.as.nack.next_n && s->fate < ACKED);
    }
    while (r.what == FP_REPLY_ACK && fp_reply_answer(&r, &a)) {
        struct sent *s = sent_of(dev, a.n);
        assert_non_null(s);
        if (a.seq == 0) {
            assert_true(r.as.ack.relay.len > 0);
            s->fate = s->fate == OPEN ? RELAYED : s->fate;
        } else {
            assert_int_not_equal(s->fate, NACKED);
            assert_true(s->seq == 0 || s->seq == a.seq);
            s->fate = ACKED;
            s->seq = a.seq;
        }
    }
}

/* ------------------------------------------------------------------ the world */

static void look(struct pair *w, struct kit *k, bool is_site)
{
    static const char up[] = "fp/1/relay/" RELAY "/up";
    static const char down[] = "fp/1/relay/" RELAY "/down";
    for (size_t i = 0; i < k->bus.count; i++) {
        const struct fake_tell *t = fake_bus_at(&k->bus, i);
        if (t->tell.kind != TELL_PUBLISH) {
            continue;
        }
        if (strcmp(t->text, is_site ? up : down) == 0) {
            pipe_put(w, is_site ? &w->up : &w->down, t->tell.payload);
        }
        for (size_t d = 0; t->tell.topic.kind == FP_TOPIC_DEVICE_DOWN && d < SCRIPT_DEVICES; d++) {
            struct fp_id id = kit_id(script_devices[d]);
            if (fp_id_eq(&t->tell.topic.a, &id)) {
                hear(w, d, is_site, t->tell.payload);
            }
        }
    }
    kit_clear(k);
}

static void turn(struct pair *w, struct kit *k, bool is_site)
{
    if (w->rough && sim_chance(&w->s.random, 30)) {
        fault_store_arm(&k->fault, 1 + sim_below(&w->s.random, 40), sim_chance(&w->s.random, 500) ? FP_EIO : FP_EFULL, false);
    }
    kit_run(k);
    fault_store_disarm(&k->fault);
    assert_int_equal(k->last, FP_OK);
    kit_idle(k);
    look(w, k, is_site);
}

static void pass(struct pair *w, uint64_t ms)
{
    w->ms += ms;
    kit_pass(&w->hub, ms);
    kit_pass(&w->site, ms);
}

static void restart(struct pair *w, bool site)
{
    cut(w);
    kit_restart(site ? &w->site : &w->hub);
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        if (w->devices[d].at_site == site) {
            hello(w, d);
        }
    }
}

static void trouble(struct pair *w)
{
    if (sim_chance(&w->s.random, 15)) {
        cut(w);
    }
    if (sim_chance(&w->s.random, 60)) {
        join(w);
    }
    if (sim_chance(&w->s.random, 6)) {
        restart(w, sim_chance(&w->s.random, 500));
    }
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        if (w->devices[d].wanders && sim_chance(&w->s.random, 15)) {
            w->devices[d].at_site = !w->devices[d].at_site;
            hello(w, d);
        }
    }
}

static void tick(struct pair *w)
{
    pass(w, w->rough ? 1 + sim_below(&w->s.random, 300) : 50);
    if (w->rough) {
        trouble(w);
        size_t d = sim_below(&w->s.random, SCRIPT_DEVICES);
        if (sim_chance(&w->s.random, 700)) {
            compose(w, d);
        }
        if (sim_chance(&w->s.random, 100)) {
            script_receipt(&w->s, home(w, d), d);
        }
    }
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        push(w, d);
    }
    pipe_deliver(w, &w->up, true);
    pipe_deliver(w, &w->down, false);
    turn(w, &w->hub, false);
    turn(w, &w->site, true);
}

static bool is_quiet(const struct pair *w)
{
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        for (size_t i = 0; i < w->devices[d].count; i++) {
            if (w->devices[d].out[i].fate < ACKED) {
                return false;
            }
        }
    }
    return true;
}

static struct pair *open_pair(uint64_t seed)
{
    struct pair *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    kit_open(&w->hub);
    w->hub.config.relay_count = 1;
    w->hub.config.relays[0] = (struct hub_relay){.relay = kit_id(RELAY), .scopes = {kit_id("house")}, .scope_count = 1};
    kit_restart(&w->hub);
    site_open_kit(&w->site);
    script_init(&w->s, seed);
    w->rough = true;
    w->loss = sim_below(&w->s.random, 200);
    w->again = sim_below(&w->s.random, 100);
    w->lag_ms = 1 + sim_below(&w->s.random, 600);
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        w->devices[d].at_site = d % 2 == 1;
        w->devices[d].wanders = d >= 8;
    }
    join(w);
    return w;
}

static void close_pair(struct pair *w)
{
    pipe_clear(&w->up);
    pipe_clear(&w->down);
    kit_close(&w->site);
    kit_close(&w->hub);
    free(w);
}

/* ------------------------------------------------------------------ in the end */

struct sums {
    uint64_t events, branches;
};

struct tally { /* of the hub's events, over all conversations */
    struct pair *w;
    struct sums *sums;
    size_t seen[SCRIPT_DEVICES][OUTBOX + 1];
    uint64_t last_n[SCRIPT_DEVICES]; /* in this conversation */
};

static size_t device_at(const struct fp_id *id)
{
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        struct fp_id mine = kit_id(script_devices[d]);
        if (fp_id_eq(&mine, id)) {
            return d;
        }
    }
    return SCRIPT_DEVICES;
}

static void tally_events(struct tally *t, const char *conv)
{
    static struct story story;
    struct store_conv c = script_conv(&t->w->hub, conv);
    if (c.head == 0) {
        return;
    }
    memset(t->last_n, 0, sizeof(t->last_n));
    story_read(&t->w->hub, &c, &story);
    struct fp_bytes rest = fp_bytes_of(story.events, story.len);
    struct fp_bytes one;
    while (fp_run_next(&rest, &one)) {
        struct fp_event ev;
        assert_int_equal(fp_event_decode(one, &ev), FP_OK);
        size_t d = device_at(&ev.device);
        assert_true(d < SCRIPT_DEVICES && ev.n <= OUTBOX);
        assert_true(ev.seen < ev.seq);
        assert_true(ev.n > t->last_n[d]); /* per device in order */
        t->last_n[d] = ev.n;
        t->seen[d][ev.n]++;
        t->sums->events++;
        t->sums->branches += ev.branch_relay.len > 0;
        const struct sent *s = sent_of(&t->w->devices[d], ev.n);
        assert_non_null(s);
        assert_int_equal(s->fate, ACKED);
        assert_int_equal(s->seq, ev.seq);
    }
}

static void check(struct pair *w, struct sums *sums)
{
    struct tally t = {.w = w, .sums = sums};
    for (size_t i = 0; i < SCRIPT_CONVS; i++) {
        same_story(&w->hub, &w->site, script_convs[i]);
        tally_events(&t, script_convs[i]);
    }
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        for (size_t i = 0; i < w->devices[d].count; i++) {
            const struct sent *s = &w->devices[d].out[i];
            assert_int_equal(t.seen[d][s->n], s->fate == ACKED ? 1 : 0);
        }
    }
    assert_int_equal(w->site.hub->site->counters.apply_failures, 0);
    assert_int_equal(w->site.hub->site->counters.malformed, 0);
}

/* For whoever looks into a seed that fails. */
static void show(struct pair *w)
{
    const struct site *t = w->site.hub->site;
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        for (size_t i = 0; i < w->devices[d].count; i++) {
            const struct sent *s = &w->devices[d].out[i];
            bool found = false;
            struct store_branch b = branch_row(&w->site, script_devices[d], s->n, &found);
            if (s->fate < ACKED) {
                print_message("%s n %lu fate %d; branch %d: lane %u number %lu settled %d\n", script_devices[d], (unsigned long)s->n, s->fate, found,
                              b.lane, (unsigned long)b.number, b.settled);
            }
        }
    }
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        print_message("lane %zu: oldest %lu acked %lu sent %lu next %lu\n", lane, (unsigned long)t->oldest[lane],
                      (unsigned long)t->link.lanes[lane].acked, (unsigned long)t->link.lanes[lane].sent, (unsigned long)t->now.next[lane]);
    }
    print_message("open %d stopped %d attached %d sessions %lu asked again %lu refused %lu settled %lu malformed %lu\n", t->open, t->stopped,
                  t->attached, (unsigned long)t->counters.sessions, (unsigned long)t->counters.asked_again, (unsigned long)t->counters.refused,
                  (unsigned long)t->counters.settled, (unsigned long)t->counters.malformed);
}

static void run_seed(uint64_t seed, struct sums *sums)
{
    struct pair *w = open_pair(seed);
    for (size_t i = 0; i < BUSY_TICKS; i++) {
        tick(w);
    }
    w->rough = false;
    cut(w); /* what a link loses is lost when it breaks; a refusal is told again then */
    join(w);
    for (size_t i = 0; i < CALM_TICKS && !is_quiet(w); i++) {
        tick(w);
    }
    if (!is_quiet(w)) {
        show(w);
    }
    assert_true(is_quiet(w));
    for (size_t i = 0; i < 200; i++) {
        tick(w);
    }
    check(w, sums);
    close_pair(w);
}

static uint64_t branch_k(const struct pair *w, uint64_t seq)
{
    static struct story story;
    struct fp_event ev;
    size_t count = 0;
    struct store_conv c = script_conv(&w->hub, "kitchen");
    story_read(&w->hub, &c, &story);
    assert_int_equal(fp_event_decode(fp_run_cut(fp_bytes_of(story.events, story.len), seq, seq, &count), &ev), FP_OK);
    assert_int_equal(count, 1);
    return ev.branch_relay.len > 0 ? ev.branch_k : 0;
}

static void what_a_site_had_to_itself_stays_in_its_order(void **state)
{
    static const char *const users[] = {"ben", "carl"};
    static const uint64_t roles[] = {FP_ROLE_MEMBER, FP_ROLE_MEMBER};
    (void)state;
    struct pair *w = open_pair(1);
    struct kit_body b;
    w->rough = false;
    struct fp_command c = kit_conv_new(&b, 1, "kitchen", "house", users, roles, 2);
    kit_send(&w->hub, "anna-a", &c);
    w->devices[0].out[w->devices[0].count++].n = 1;
    for (size_t i = 0; i < 20; i++) {
        pass(w, 50);
        pipe_deliver(w, &w->up, true);
        pipe_deliver(w, &w->down, false);
        turn(w, &w->hub, false);
        turn(w, &w->site, true);
    }
    cut(w);
    for (uint64_t n = 1; n <= 60; n++) {
        c = kit_msg(&b, (n + 1) / 2, "kitchen", "alone at sea");
        w->devices[n % 2 == 0 ? 3 : 5].out[w->devices[n % 2 == 0 ? 3 : 5].count++].n = c.n;
        kit_send(&w->site, n % 2 == 0 ? "ben-b" : "carl-b", &c);
        pass(w, 1000);
        turn(w, &w->site, true);
    }
    join(w);
    for (size_t i = 0; i < 400; i++) {
        pass(w, 50);
        pipe_deliver(w, &w->up, true);
        pipe_deliver(w, &w->down, false);
        turn(w, &w->hub, false);
        turn(w, &w->site, true);
    }
    assert_int_equal(script_conv(&w->hub, "kitchen").head, 61);
    assert_int_equal(script_conv(&w->site, "kitchen").head, 61);
    for (uint64_t seq = 3; seq <= 61; seq++) {
        assert_true(branch_k(w, seq) > branch_k(w, seq - 1));
    }
    close_pair(w);
}

static void nothing_is_lost_and_both_ends_tell_the_same_story(void **state)
{
    (void)state;
    const char *only = getenv("FP_SEED");
    const char *many = getenv("FP_SEEDS");
    uint64_t first = only ? strtoull(only, NULL, 10) : 1;
    uint64_t last = only ? first : many ? strtoull(many, NULL, 10) : SEEDS;
    struct sums sums = {0};
    for (uint64_t seed = first; seed <= last; seed++) {
        print_message("seed %lu\n", (unsigned long)seed);
        run_seed(seed, &sums);
    }
    uint64_t seeds = last - first + 1;
    print_message("%lu events, %lu of them by the site\n", (unsigned long)sums.events, (unsigned long)sums.branches);
    assert_true(sums.events > 50 * seeds && sums.branches > 10 * seeds); /* there was something to lose */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_site_had_to_itself_stays_in_its_order),
        cmocka_unit_test(nothing_is_lost_and_both_ends_tell_the_same_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
