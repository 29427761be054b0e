#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/load.h"

#define JOIN_NS (20 * NS_PER_S)

static void wait_for(struct load *l, bool (*is_done)(const struct load *l), const char *what)
{
    uint64_t end = clock_ns() + JOIN_NS;
    while (!is_done(l)) {
        if (clock_ns() > end) {
            bench_die("%s did not come within 20 s", what);
        }
        loop_step(&l->loop, end);
    }
}

static bool all_welcomed(const struct load *l)
{
    for (unsigned i = 0; i < l->peer_count; i++) {
        if (!l->peers[i].welcomed) {
            return false;
        }
    }
    return true;
}

static bool all_created(const struct load *l)
{
    for (unsigned i = 0; i < l->config.groups; i++) {
        if (!l->groups[i].created) {
            return false;
        }
    }
    return true;
}

static void peer_init(struct load *l, struct group *g, unsigned place, unsigned number)
{
    struct peer *p = &g->peers[place];
    const struct load_config *c = &l->config;

    *p = (struct peer){.load = l, .group = g, .number = number, .sends = c->room || place == 0, .receives = c->room || place > 0};
    if (p->sends && c->window == 0) {
        p->due_ns = bench_alloc(DUE_RING, sizeof p->due_ns[0]);
    }
    if (p->sends && !c->hub) {
        p->mids = bench_alloc(DUE_RING, sizeof p->mids[0]);
    }
    if (c->hub) {
        struct fp_id device = id_of("dev", number);
        topic_of(FP_TOPIC_DEVICE_UP, &device, NULL, p->topic);
        msg_template_init(&p->msg, &g->conv, number);
    } else {
        (void)snprintf(p->topic, sizeof p->topic, "bench/%.*s", (int)g->conv.len, g->conv.text);
    }
}

static void peer_connect(struct peer *p)
{
    char device[FP_ID_MAX + 1];
    char user[FP_ID_MAX + 1];
    struct fp_id device_id = id_of("dev", p->number);
    struct fp_id user_id = id_of("user", p->number);

    id_text(&device_id, device);
    id_text(&user_id, user);
    p->client = client_open(&p->load->loop, device, user, &peer_ops, p);
    if (p->client == NULL) {
        bench_die("no broker on 127.0.0.1:%d", p->load->config.port);
    }
    if (p->load->config.hub) {
        char down[FP_TOPIC_MAX];
        topic_of(FP_TOPIC_DEVICE_DOWN, &device_id, NULL, down);
        client_subscribe(p->client, down, 1);
    }
}

static void say_hello(struct peer *p)
{
    uint8_t buf[64];
    struct fp_enc e;

    fp_enc_init(&e, buf, sizeof buf);
    enc_hello(&e);
    (void)client_publish(p->client, p->topic, fp_enc_bytes_of(&e));
}

/* The first member makes the conversation and with it lets the others in. */
static void create_conv(struct group *g, const char *reader)
{
    uint8_t buf[MEMBERS_MAX * (FP_ID_MAX + 4) + 128];
    struct fp_enc e;
    struct fp_id id;
    size_t extra = reader != NULL ? 1 : 0;

    fp_enc_init(&e, buf, sizeof buf);
    enc_conv_new(&e, g->peers[0].first_n, &g->conv, &g->scope, g->count - 1 + extra);
    if (extra > 0) { /* it is shorter than the names of the members, so it comes first */
        fp_enc_text(&e, reader, strlen(reader));
        fp_enc_uint(&e, FP_ROLE_MEMBER);
    }
    for (unsigned i = 1; i < g->count; i++) {
        id = id_of("user", g->peers[i].number);
        fp_enc_id(&e, &id);
        fp_enc_uint(&e, FP_ROLE_MEMBER);
    }
    if (e.failed) {
        bench_die("a conv-new does not fit");
    }
    (void)client_publish(g->peers[0].client, g->peers[0].topic, fp_enc_bytes_of(&e));
}

static void subscribe_events(struct peer *p)
{
    char topic[FP_TOPIC_MAX];
    if (!p->receives) {
        return;
    }
    if (p->load->config.hub) {
        topic_of(FP_TOPIC_CONV_EVENT, &p->group->scope, &p->group->conv, topic);
        client_subscribe(p->client, topic, 1);
    } else {
        client_subscribe(p->client, p->topic, 1);
    }
}

static void watch_counters(struct load *l)
{
    if ((!l->config.hub && !l->config.probe) || l->config.unwatched) {
        return;
    }
    struct client *c = client_open(&l->loop, "ops-watch", "ops", &counters_ops, &l->counters);
    if (c == NULL) {
        bench_die("no broker on 127.0.0.1:%d", l->config.port);
    }
    if (l->config.hub) {
        counters_subscribe(c, COUNTERS_HUB);
        counters_subscribe(c, COUNTERS_HOST);
    } else {
        counters_subscribe(c, COUNTERS_PROBE);
    }
}

void load_join(struct load *l)
{
    const struct load_config *c = &l->config;

    l->peer_count = c->groups * c->members;
    l->sender_count = c->room ? l->peer_count : c->groups;
    l->receivers_a_message = c->room ? c->members : c->members - 1;
    l->peers = bench_alloc(l->peer_count, sizeof l->peers[0]);
    l->groups = bench_alloc(c->groups, sizeof l->groups[0]);
    loop_open(&l->loop, c->port, l->peer_count + 1);

    for (unsigned g = 0; g < c->groups; g++) {
        unsigned number = c->first + g;
        l->groups[g] =
            (struct group){.conv = id_of("conv", number), .scope = id_of("scope", number), .peers = &l->peers[g * c->members], .count = c->members};
        for (unsigned i = 0; i < c->members; i++) {
            peer_init(l, &l->groups[g], i, number * c->members + i);
            peer_connect(&l->groups[g].peers[i]);
        }
    }
    loop_settle(&l->loop);
    watch_counters(l);
    if (c->hub) {
        for (unsigned i = 0; i < l->peer_count; i++) {
            say_hello(&l->peers[i]);
        }
        wait_for(l, all_welcomed, "a welcome");
        for (unsigned g = 0; g < c->groups; g++) {
            create_conv(&l->groups[g], c->reader);
        }
        wait_for(l, all_created, "the ack of a new conversation");
    }
    for (unsigned i = 0; i < l->peer_count; i++) {
        subscribe_events(&l->peers[i]);
    }
    loop_settle(&l->loop);
}
