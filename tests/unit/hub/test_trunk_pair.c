/*
 * A hub and two sites on pipes that lose, repeat, reorder and break, with devices everywhere and some that go from one to the other; all may be
 * killed, and their disks may fail. In the end nothing is lost, nothing is there twice, and all tell the same story. The raft serves one scope of
 * the two.
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
    uint64_t at_ms, not_before_ms;
    uint64_t seq;
};

enum { /* places */
       HUB,
       SHIP,
       RAFT,
       PLACES
};
#define RAFT_NAME "raft"

struct device {
    unsigned at;
    bool wanders;
    bool waits; /* for welcome */
    uint64_t hello_ms;
    struct sent out[OUTBOX];
    size_t count;
};

struct trunk { /* of a site */
    struct pipe up, down;
    bool piped;
};

struct pair {
    struct kit kits[PLACES];
    struct trunk trunks[PLACES]; /* the hub's is not used */
    struct script s;
    bool rough;
    unsigned loss, again; /* per mille */
    uint64_t lag_ms;
    uint64_t ms;
    struct device devices[SCRIPT_DEVICES];
};

static const char *const names[PLACES] = {"hub", RELAY, RAFT_NAME};

/* ------------------------------------------------------------------ the pipe */

static void pipe_clear(struct pipe *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->frames[i].bytes);
    }
    p->count = 0;
}

static void pipe_put(struct pair *w, bool piped, struct pipe *p, struct fp_bytes in)
{
    unsigned copies = w->rough && sim_chance(&w->s.random, w->again) ? 2 : 1;
    if (!piped || (w->rough && sim_chance(&w->s.random, w->loss))) {
        return;
    }
    for (; copies > 0 && p->count < FRAMES_MAX; copies--) {
        struct frame *f = &p->frames[p->count++];
        *f = (struct frame){.bytes = malloc(in.len + 1), .len = in.len, .due_ms = w->ms + 20};
        memcpy(f->bytes, in.p, in.len);
        f->due_ms += w->rough ? sim_below(&w->s.random, w->lag_ms) : 0;
    }
}

static void pipe_deliver(struct pair *w, unsigned at, bool up)
{
    struct pipe *p = up ? &w->trunks[at].up : &w->trunks[at].down;
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        struct frame f = p->frames[i];
        struct kit *to = &w->kits[up ? HUB : at];
        if (f.due_ms > w->ms || to->count >= 100) {
            p->frames[kept++] = f;
            continue;
        }
        if (up) {
            kit_relay_frame(to, names[at], fp_bytes_of(f.bytes, f.len));
            to->items[to->count - 1].conn = KIT_RELAY_CONN + at;
        } else {
            kit_raw(to, names[at], FP_TOPIC_RELAY_DOWN, fp_bytes_of(f.bytes, f.len));
        }
        free(f.bytes);
    }
    p->count = kept;
}

static void cut(struct pair *w, unsigned at)
{
    struct trunk *t = &w->trunks[at];
    if (t->piped) {
        t->piped = false;
        pipe_clear(&t->up);
        pipe_clear(&t->down);
        kit_disconnect(&w->kits[at], names[at]);
        kit_relay_gone(&w->kits[HUB], names[at]);
        w->kits[HUB].items[w->kits[HUB].count - 1].conn = KIT_RELAY_CONN + at;
    }
}

static void join(struct pair *w, unsigned at)
{
    if (!w->trunks[at].piped) {
        w->trunks[at].piped = true;
        kit_raw(&w->kits[at], names[at], FP_TOPIC_RELAY_DOWN, fp_bytes_of("", 0));
    }
}

/* ------------------------------------------------------------------ devices */

static struct kit *home(struct pair *w, size_t d)
{
    return &w->kits[w->devices[d].at];
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
    w->devices[d].waits = true;
    w->devices[d].hello_ms = w->ms;
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
    if (dev->waits) {
        if (w->ms - dev->hello_ms >= RESEND_MS) { /* their disk had failed */
            hello(w, d);
        }
        return;
    }
    for (size_t i = 0; i < dev->count && flying < WINDOW; i++) {
        struct sent *s = &dev->out[i];
        bool waits = s->fate == OPEN || (s->fate == RELAYED && !s->tried);
        if (!waits) {
            continue;
        }
        if (s->not_before_ms > w->ms) {
            return;
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

static void hear(struct pair *w, size_t d, unsigned from, struct fp_bytes payload)
{
    struct device *dev = &w->devices[d];
    struct fp_reply r;
    struct fp_answer a;
    if (dev->at != from) {
        return;
    }
    assert_int_equal(fp_reply_decode(payload, &r), FP_OK);
    dev->waits = dev->waits && r.what != FP_REPLY_WELCOME;
    if (r.what == FP_REPLY_NACK && r.as.nack.n > 0) {
        struct sent *s = sent_of(dev, r.as.nack.n);
        if (s && !r.as.nack.retry) {
            assert_int_not_equal(s->fate, ACKED); /* states never go back */
            s->fate = NACKED;
        } else if (s && r.as.nack.code != FP_EGAP && s->fate < ACKED) { /* from there on once more, in a while */
            s->not_before_ms = w->ms + 1000;
            for (; s < dev->out + dev->count; s++) {
                s->tried = false;
            }
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

/* A frame on its way to the other end of a trunk. */
static void look_at_frame(struct pair *w, unsigned at, const struct fake_tell *t)
{
    for (unsigned site = SHIP; site < PLACES; site++) {
        char topic[64];
        (void)snprintf(topic, sizeof(topic), "fp/1/relay/%s/%s", names[site], at == HUB ? "down" : "up");
        if ((at == HUB || at == site) && strcmp(t->text, topic) == 0) {
            pipe_put(w, w->trunks[site].piped, at == HUB ? &w->trunks[site].down : &w->trunks[site].up, t->tell.payload);
        }
    }
}

static void look(struct pair *w, unsigned at)
{
    struct kit *k = &w->kits[at];
    for (size_t i = 0; i < k->bus.count; i++) {
        const struct fake_tell *t = fake_bus_at(&k->bus, i);
        if (t->tell.kind != TELL_PUBLISH) {
            continue;
        }
        look_at_frame(w, at, t);
        for (size_t d = 0; t->tell.topic.kind == FP_TOPIC_DEVICE_DOWN && d < SCRIPT_DEVICES; d++) {
            struct fp_id id = kit_id(script_devices[d]);
            if (fp_id_eq(&t->tell.topic.a, &id)) {
                hear(w, d, at, t->tell.payload);
            }
        }
    }
    kit_clear(k);
}

static void turn(struct pair *w, unsigned at)
{
    struct kit *k = &w->kits[at];
    if (w->rough && sim_chance(&w->s.random, 30)) {
        fault_store_arm(&k->fault, 1 + sim_below(&w->s.random, 40), sim_chance(&w->s.random, 500) ? FP_EIO : FP_EFULL, false);
    }
    kit_run(k);
    fault_store_disarm(&k->fault);
    assert_int_equal(k->last, FP_OK);
    kit_idle(k);
    look(w, at);
}

static void pass(struct pair *w, uint64_t ms)
{
    w->ms += ms;
    for (unsigned at = 0; at < PLACES; at++) {
        kit_pass(&w->kits[at], ms);
    }
}

static void open_site(struct pair *w, unsigned site)
{
    struct kit *k = &w->kits[site];
    site_open_kit(k);
    struct store_port p = mem_store_port(k->mem);
    assert_int_equal(p.begin(p.ctx), FP_OK);
    assert_int_equal(p.new_epoch(p.ctx, 1 + sim_below(&w->s.random, 1ULL << 60)), FP_OK);
    assert_int_equal(p.commit(p.ctx), FP_OK);
    k->config.relay = kit_id(names[site]);
    k->mono = w->kits[HUB].mono;
    k->wall = w->kits[HUB].wall;
    kit_restart(k);
}

/* saved: else it has a new database, and what it had in custody is with the devices alone. */
static void restart(struct pair *w, unsigned at, bool saved)
{
    for (unsigned site = SHIP; site < PLACES; site++) {
        if (at == HUB || at == site) {
            cut(w, site);
        }
    }
    if (saved) {
        kit_restart(&w->kits[at]);
    } else {
        kit_close(&w->kits[at]);
        open_site(w, at);
    }
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        if (w->devices[d].at == at) {
            hello(w, d);
        }
    }
}

static void trouble(struct pair *w)
{
    for (unsigned site = SHIP; site < PLACES; site++) {
        if (sim_chance(&w->s.random, 15)) {
            cut(w, site);
        }
        if (sim_chance(&w->s.random, 60)) {
            join(w, site);
        }
    }
    if (sim_chance(&w->s.random, 6)) {
        restart(w, (unsigned)sim_below(&w->s.random, PLACES), true);
    }
    if (sim_chance(&w->s.random, 1)) {
        restart(w, SHIP + (unsigned)sim_below(&w->s.random, PLACES - 1), false);
    }
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        if (w->devices[d].wanders && sim_chance(&w->s.random, 15)) {
            w->devices[d].at = (w->devices[d].at + 1 + (unsigned)sim_below(&w->s.random, PLACES - 1)) % PLACES;
            hello(w, d);
        }
    }
}

/* All that is on its way arrives, and all have their turn. */
static void step(struct pair *w)
{
    for (unsigned site = SHIP; site < PLACES; site++) {
        pipe_deliver(w, site, true);
        pipe_deliver(w, site, false);
    }
    for (unsigned at = 0; at < PLACES; at++) {
        turn(w, at);
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
    step(w);
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
    struct hub_config *hub = &w->kits[HUB].config;
    kit_open(&w->kits[HUB]);
    hub->relay_count = 2;
    hub->relays[0] = (struct hub_relay){.relay = kit_id(RELAY), .scopes = {kit_id("house"), kit_id("yard")}, .scope_count = 2};
    hub->relays[1] = (struct hub_relay){.relay = kit_id(RAFT_NAME), .scopes = {kit_id("house")}, .scope_count = 1};
    kit_restart(&w->kits[HUB]);
    script_init(&w->s, seed);
    open_site(w, SHIP);
    open_site(w, RAFT);
    w->rough = true;
    w->loss = sim_below(&w->s.random, 200);
    w->again = sim_below(&w->s.random, 100);
    w->lag_ms = 1 + sim_below(&w->s.random, 600);
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        w->devices[d].at = d % 2 == 0 ? HUB : d % 4 == 1 ? SHIP : RAFT;
        w->devices[d].wanders = d >= 6;
    }
    join(w, SHIP);
    join(w, RAFT);
    return w;
}

static void close_pair(struct pair *w)
{
    for (unsigned at = 0; at < PLACES; at++) {
        pipe_clear(&w->trunks[at].up);
        pipe_clear(&w->trunks[at].down);
        kit_close(&w->kits[at]);
    }
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
    struct store_conv c = script_conv(&t->w->kits[HUB], conv);
    if (c.head == 0) {
        return;
    }
    memset(t->last_n, 0, sizeof(t->last_n));
    story_read(&t->w->kits[HUB], &c, &story);
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
        same_story(&w->kits[HUB], &w->kits[SHIP], script_convs[i]);
        if (strcmp(script_scope(script_convs[i]), "house") == 0) {
            same_story(&w->kits[HUB], &w->kits[RAFT], script_convs[i]);
        } else {
            assert_int_equal(script_conv(&w->kits[RAFT], script_convs[i]).head, 0);
        }
        tally_events(&t, script_convs[i]);
    }
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        for (size_t i = 0; i < w->devices[d].count; i++) {
            const struct sent *s = &w->devices[d].out[i];
            assert_int_equal(t.seen[d][s->n], s->fate == ACKED ? 1 : 0);
        }
    }
    for (unsigned site = SHIP; site < PLACES; site++) {
        assert_int_equal(w->kits[site].hub->site->counters.apply_failures, 0);
        assert_int_equal(w->kits[site].hub->site->counters.malformed, 0);
    }
}

/* For whoever looks into a seed that fails. */
static void show_sent(struct pair *w, size_t d, const struct sent *s)
{
    struct store_device dev = {0};
    struct fp_id id = kit_id(script_devices[d]);
    bool found = false;
    (void)w->kits[HUB].fault.inner.load_device(w->kits[HUB].fault.inner.ctx, &id, &dev, &found);
    print_message("%s at %s: n %lu fate %d; the hub waits for %lu\n", script_devices[d], names[w->devices[d].at], (unsigned long)s->n, s->fate,
                  (unsigned long)dev.next_n);
    for (unsigned site = SHIP; site < PLACES; site++) {
        struct store_branch b = branch_row(&w->kits[site], script_devices[d], s->n, &found);
        print_message("    %s: %d: lane %u number %lu settled %d seq %lu code %lu\n", names[site], found, b.lane, (unsigned long)b.number, b.settled,
                      (unsigned long)b.seq, (unsigned long)b.code);
    }
}

static void show_site(const struct kit *k)
{
    const struct site *t = k->hub->site;
    for (size_t lane = 0; lane < FP_LANES; lane++) {
        print_message("lane %zu: oldest %lu acked %lu sent %lu next %lu\n", lane, (unsigned long)t->oldest[lane],
                      (unsigned long)t->link.lanes[lane].acked, (unsigned long)t->link.lanes[lane].sent, (unsigned long)t->now.next[lane]);
    }
    print_message("open %d stopped %d attached %d sessions %lu asked again %lu refused %lu settled %lu malformed %lu\n", t->open, t->stopped,
                  t->attached, (unsigned long)t->counters.sessions, (unsigned long)t->counters.asked_again, (unsigned long)t->counters.refused,
                  (unsigned long)t->counters.settled, (unsigned long)t->counters.malformed);
}

static void show(struct pair *w)
{
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        for (size_t i = 0; i < w->devices[d].count; i++) {
            if (w->devices[d].out[i].fate < ACKED) {
                show_sent(w, d, &w->devices[d].out[i]);
            }
        }
    }
    show_site(&w->kits[SHIP]);
    show_site(&w->kits[RAFT]);
}

/* He was never in a conversation that the site serves: it may not speak for him. */
static bool is_stranger(const struct pair *w, size_t d)
{
    const struct kit *hub = &w->kits[HUB];
    struct fp_id user = kit_id(script_users[d / 2]);
    bool found = false;
    for (size_t i = 0; i < SCRIPT_CONVS && !found; i++) {
        struct store_member m;
        bool served = w->devices[d].at == SHIP || strcmp(script_scope(script_convs[i]), "house") == 0;
        struct store_conv c = script_conv(hub, script_convs[i]);
        if (served && c.cid > 0) {
            assert_int_equal(hub->fault.inner.load_member(hub->fault.inner.ctx, c.cid, &user, &m, &found), FP_OK);
        }
    }
    return !found;
}

static void strangers_go_to_the_hub(struct pair *w)
{
    for (size_t d = 0; d < SCRIPT_DEVICES; d++) {
        if (w->devices[d].at != HUB && is_stranger(w, d)) {
            w->devices[d].at = HUB;
            hello(w, d);
        }
    }
}

static void run_seed(uint64_t seed, struct sums *sums)
{
    struct pair *w = open_pair(seed);
    for (size_t i = 0; i < BUSY_TICKS; i++) {
        tick(w);
    }
    w->rough = false;
    for (unsigned site = SHIP; site < PLACES; site++) {
        cut(w, site); /* what a link loses is lost when it breaks; a refusal is told again then */
        join(w, site);
    }
    for (size_t i = 0; i < CALM_TICKS && !is_quiet(w); i++) {
        if (i == CALM_TICKS / 2) {
            strangers_go_to_the_hub(w);
        }
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
    struct store_conv c = script_conv(&w->kits[HUB], "kitchen");
    story_read(&w->kits[HUB], &c, &story);
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
    kit_send(&w->kits[HUB], "anna-a", &c);
    w->devices[0].out[w->devices[0].count++].n = 1;
    for (size_t i = 0; i < 20; i++) {
        pass(w, 50);
        step(w);
    }
    cut(w, SHIP);
    for (uint64_t n = 1; n <= 60; n++) {
        c = kit_msg(&b, (n + 1) / 2, "kitchen", "alone at sea");
        struct device *dev = &w->devices[n % 2 == 0 ? 1 : 5];
        dev->out[dev->count++].n = c.n;
        kit_send(&w->kits[SHIP], n % 2 == 0 ? "anna-b" : "carl-b", &c);
        pass(w, 1000);
        turn(w, SHIP);
    }
    join(w, SHIP);
    for (size_t i = 0; i < 400; i++) {
        pass(w, 50);
        step(w);
    }
    assert_int_equal(script_conv(&w->kits[HUB], "kitchen").head, 61);
    assert_int_equal(script_conv(&w->kits[SHIP], "kitchen").head, 61);
    for (uint64_t seq = 3; seq <= 61; seq++) {
        assert_true(branch_k(w, seq) > branch_k(w, seq - 1));
    }
    close_pair(w);
}

static void nothing_is_lost_and_all_ends_tell_the_same_story(void **state)
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
    print_message("%lu events, %lu of them by a site\n", (unsigned long)sums.events, (unsigned long)sums.branches);
    assert_true(sums.events > 50 * seeds && sums.branches > 10 * seeds); /* there was something to lose */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_site_had_to_itself_stays_in_its_order),
        cmocka_unit_test(nothing_is_lost_and_all_ends_tell_the_same_story),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
