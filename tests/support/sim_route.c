#include <stdlib.h>

#include "plugin/mosq/acl.h"
#include "tests/support/sim_broker.h"

static void *must(void *p)
{
    if (!p) {
        abort();
    }
    return p;
}

void sim_out_free_all(struct sim_out **list)
{
    while (*list) {
        struct sim_out *next = (*list)->next;
        free((*list)->payload);
        free(*list);
        *list = next;
    }
}

/* ------------------------------------------------------------------ rights */

static void set_right(struct sim_broker *b, struct sim_right r)
{
    for (size_t i = 0; i < b->right_count; i++) {
        struct sim_right *have = &b->rights[i];
        bool same_user = r.kind == TELL_GRANT_DEVICE || fp_id_eq(&have->user, &r.user);
        if (have->kind == r.kind && same_user && fp_id_eq(&have->id, &r.id)) {
            *have = r;
            return;
        }
    }
    if (b->right_count == b->right_cap) {
        b->right_cap = b->right_cap * 2 + 32;
        b->rights = must(realloc(b->rights, b->right_cap * sizeof(*b->rights)));
    }
    b->rights[b->right_count++] = r;
}

static bool has_right(const struct sim_broker *b, enum tell_kind kind, const struct fp_id *id, const struct fp_id *user)
{
    for (size_t i = 0; i < b->right_count; i++) {
        const struct sim_right *r = &b->rights[i];
        if (r->kind == kind && r->allowed && fp_id_eq(&r->id, id) && fp_id_eq(&r->user, user)) {
            return true;
        }
    }
    return false;
}

static bool are_peers(const struct sim_broker *b, const struct fp_id *user, const struct fp_id *other)
{
    for (size_t i = 0; i < b->right_count; i++) {
        const struct sim_right *r = &b->rights[i];
        if (r->kind == TELL_GRANT_SCOPE && r->allowed && fp_id_eq(&r->user, user) && has_right(b, TELL_GRANT_SCOPE, &r->id, other)) {
            return true;
        }
    }
    return false;
}

/* The owner by the grants, or, after a start, by the store; none while it has none. */
static struct fp_id owner_of(struct sim_broker *b, const struct fp_id *device)
{
    for (size_t i = 0; i < b->right_count; i++) {
        if (b->rights[i].kind == TELL_GRANT_DEVICE && fp_id_eq(&b->rights[i].id, device)) {
            return b->rights[i].user;
        }
    }
    struct store_port store = mem_store_port(b->kit.mem);
    struct store_device d;
    bool found = false;
    if (store.load_device(store.ctx, device, &d, &found) == FP_OK && found) {
        return d.user;
    }
    return (struct fp_id){0};
}

struct convs {
    struct store_conv rows[256];
    size_t count;
};

static bool note_conv(void *arg, const struct store_conv *c)
{
    struct convs *k = arg;
    k->rows[k->count++] = *c;
    return k->count < 256;
}

struct members_of {
    struct sim_broker *b;
    struct fp_id conv;
};

static bool note_member(void *arg, const struct store_member *m)
{
    struct members_of *k = arg;
    set_right(k->b, (struct sim_right){.kind = TELL_GRANT_CONV, .id = k->conv, .user = m->user, .allowed = true});
    set_right(k->b, (struct sim_right){.kind = TELL_GRANT_SCOPE, .id = m->scope, .user = m->user, .allowed = true});
    return true;
}

void sim_route_start(struct sim_broker *b)
{
    struct store_port store = mem_store_port(b->kit.mem);
    struct convs *convs = must(calloc(1, sizeof(*convs)));
    if (store.each_conv(store.ctx, 0, 256, note_conv, convs)) {
        abort();
    }
    for (size_t i = 0; i < convs->count; i++) {
        struct members_of k = {.b = b, .conv = convs->rows[i].id};
        if (store.each_member(store.ctx, convs->rows[i].cid, note_member, &k)) {
            abort();
        }
    }
    free(convs);
}

void sim_route_fini(struct sim_broker *b)
{
    sim_out_free_all(&b->retained);
    free(b->rights);
    b->rights = NULL;
    b->right_count = 0;
    b->right_cap = 0;
}

static struct acl_known find_out(struct sim_broker *b, const struct acl_client *c, struct acl_need need)
{
    struct acl_known known = {0};
    struct fp_id owner;
    switch (need.fact) {
    case ACL_FACT_NONE:
        break;
    case ACL_FACT_CONV:
        known.yes = has_right(b, TELL_GRANT_CONV, &need.id, &c->user);
        break;
    case ACL_FACT_SCOPE:
        known.yes = has_right(b, TELL_GRANT_SCOPE, &need.id, &c->user);
        break;
    case ACL_FACT_OWNER:
        known.owner_known = true;
        known.owner = owner_of(b, &need.id);
        break;
    case ACL_FACT_PEERS:
        owner = owner_of(b, &need.id);
        known.yes = !fp_id_is_none(&owner) && are_peers(b, &c->user, &owner);
        break;
    }
    return known;
}

static struct acl_client client_of(const struct sim_peer *p)
{
    return (struct acl_client){.user = p->user, .device = p->device};
}

bool sim_route_may_read(struct sim_broker *b, const struct sim_peer *p, const struct sim_out *m)
{
    struct acl_client c = client_of(p);
    struct fp_topic t;
    if (fp_topic_parse(m->topic, strlen(m->topic), &t)) {
        return false;
    }
    struct acl_known known = find_out(b, &c, acl_read_needs(&c, &t));
    return acl_read(&c, &t, fp_bytes_of(m->payload, m->len), &known) == ACL_ALLOW;
}

bool sim_route_subscribe(struct sim_broker *b, const struct sim_peer *p, const char *filter)
{
    struct acl_client c = client_of(p);
    struct fp_filter f;
    bool allowed = false;
    if (fp_filter_parse(filter, strlen(filter), &f) == FP_OK) {
        struct acl_known known = find_out(b, &c, acl_subscribe_needs(&c, &f));
        allowed = acl_subscribe(&c, &f, &known) == ACL_ALLOW;
    }
    b->refused += !allowed;
    return allowed;
}

/* ------------------------------------------------------------------ delivery */

static struct sim_out *copy_of(const char *topic, struct fp_bytes payload, uint8_t qos, bool retain)
{
    struct sim_out *m = must(calloc(1, sizeof(*m)));
    memcpy(m->topic, topic, strlen(topic) + 1);
    m->payload = must(malloc(payload.len + 1));
    if (payload.len > 0) {
        memcpy(m->payload, payload.p, payload.len);
    }
    m->len = payload.len;
    m->qos = qos;
    m->retain = retain;
    return m;
}

static void enqueue(struct sim_broker *b, struct sim_peer *p, struct sim_out *m)
{
    *p->out_end = m;
    p->out_end = &m->next;
    sim_peer_flush(b, p);
}

static void retain(struct sim_broker *b, const struct sim_publish *p)
{
    struct sim_out **at = &b->retained;
    while (*at && strcmp((*at)->topic, p->topic) != 0) {
        at = &(*at)->next;
    }
    struct sim_out *old = *at;
    struct sim_out *next = old ? old->next : NULL;
    *at = next;
    if (old) {
        free(old->payload);
        free(old);
    }
    if (p->payload.len > 0) {
        *at = copy_of(p->topic, p->payload, p->qos, true);
        (*at)->next = next;
    }
}

static bool may_drop(const char *topic)
{
    struct fp_topic t;
    return fp_topic_parse(topic, strlen(topic), &t) == FP_OK && t.kind != FP_TOPIC_DEVICE_DOWN;
}

/* Where filters overlap the message comes more than once, as with Mosquitto's defaults. */
void sim_route_publish(struct sim_broker *b, const struct sim_publish *pub)
{
    if (pub->retain) {
        retain(b, pub);
    }
    for (struct sim_peer *p = b->peers; p; p = p->next) {
        for (size_t i = 0; p->conn && p->connected && i < p->sub_count; i++) {
            if (!fp_filter_matches(p->subs[i].filter, pub->topic)) {
                continue;
            }
            if (b->drop_per_mille > 0 && may_drop(pub->topic) && sim_chance(&b->random, b->drop_per_mille)) {
                continue;
            }
            enqueue(b, p, copy_of(pub->topic, pub->payload, pub->qos < p->subs[i].qos ? pub->qos : p->subs[i].qos, false));
        }
    }
}

void sim_route_retained(struct sim_broker *b, struct sim_peer *p, const struct sim_sub *s)
{
    for (const struct sim_out *m = b->retained; m && p->conn; m = m->next) {
        if (fp_filter_matches(s->filter, m->topic)) {
            enqueue(b, p, copy_of(m->topic, fp_bytes_of(m->payload, m->len), m->qos < s->qos ? m->qos : s->qos, true));
        }
    }
}

/* ------------------------------------------------------------------ the hub */

void sim_route_item(struct sim_broker *b, const struct sim_peer *p, enum source_kind kind, enum fp_topic_kind topic, struct fp_bytes payload)
{
    struct kit *k = &b->kit;
    uint64_t now = sim_net_now(b->net).us;

    if (k->count == KIT_ITEMS_MAX) {
        b->turn_us = now;
        sim_route_turn(b);
    }
    uint8_t *copy = must(malloc(payload.len + 1));
    if (payload.len > 0) {
        memcpy(copy, payload.p, payload.len);
    }
    k->items[k->count++] = (struct source_item){
        .kind = kind,
        .topic = topic,
        .user = p->user,
        .device = p->device,
        .conn = p->number,
        .mono = {.us = now},
        .wall = {.ms = 1700000000000ULL + now / 1000},
        .payload = fp_bytes_of(copy, payload.len),
    };
    if (b->turn_us == 0) {
        b->turn_us = now + sim_below(&b->random, b->turn_delay_us + 1);
    }
}

void sim_route_client_publish(struct sim_broker *b, const struct sim_peer *p, const struct sim_publish *pub)
{
    struct acl_client c = client_of(p);
    struct fp_topic t;
    const char *why = NULL;
    if (fp_topic_parse(pub->topic, strlen(pub->topic), &t)) {
        b->refused++;
        return;
    }
    struct acl_publish a = {.topic = &t, .payload = pub->payload, .qos = pub->qos, .retain = pub->retain};
    struct acl_known known = find_out(b, &c, acl_write_needs(&c, &a));
    if (acl_write(&c, &a, &known, &why) != ACL_ALLOW) {
        b->refused++;
        return;
    }
    if (t.kind == FP_TOPIC_DEVICE_STATUS) {
        sim_route_publish(b, pub);
        return;
    }
    if (b->watch.uplink) {
        b->watch.uplink(b->watch.ctx, &p->device, t.kind, pub->payload);
    }
    sim_route_item(b, p, SOURCE_MESSAGE, t.kind, pub->payload);
}

static void promise(struct sim_broker *b, const struct tell *t)
{
    for (struct sim_peer *p = b->peers; p; p = p->next) {
        if (p->conn && p->number == t->conn) {
            p->alive_us = t->alive_s * 1000000ULL;
            p->said_us = sim_net_now(b->net).us;
        }
    }
}

static void tell_one(struct sim_broker *b, const struct fake_tell *f)
{
    const struct tell *t = &f->tell;
    switch (t->kind) {
    case TELL_PUBLISH:
        sim_route_publish(b, &(struct sim_publish){.topic = f->text, .payload = t->payload, .qos = t->qos, .retain = t->retain});
        return;
    case TELL_GRANT_CONV:
    case TELL_GRANT_SCOPE:
    case TELL_GRANT_DEVICE:
        set_right(b, (struct sim_right){.kind = t->kind, .id = t->id, .user = t->user, .allowed = t->allowed});
        return;
    case TELL_ALIVE:
        promise(b, t);
        return;
    case TELL_OPEN: /* narrow what a client of the real broker gets; the model's clients get it all */
    case TELL_IDLE:
    case TELL_LOG:
        return;
    }
}

void sim_route_tell(struct sim_broker *b, size_t upto)
{
    for (size_t i = 0; i < upto; i++) {
        tell_one(b, fake_bus_at(&b->kit.bus, i));
    }
    kit_clear(&b->kit);
}

static void one_turn(struct sim_broker *b)
{
    if (b->fault_per_mille > 0 && sim_chance(&b->random, b->fault_per_mille)) {
        static const enum fp_err errors[] = {FP_EFULL, FP_EBUSY, FP_EIO};
        fault_store_arm(&b->kit.fault, 1 + sim_below(&b->random, 20), errors[sim_below(&b->random, 3)], false);
    }
    kit_run(&b->kit);
    fault_store_disarm(&b->kit.fault);
    if (b->kit.last) {
        abort(); /* the engine would stop: a single failure must not do that */
    }
    if (b->watch.committed) {
        b->watch.committed(b->watch.ctx);
    }
    sim_route_tell(b, b->kit.bus.count);
}

void sim_route_turn(struct sim_broker *b)
{
    struct fp_mono now = sim_net_now(b->net);
    b->kit.mono = now;
    b->kit.wall.ms = 1700000000000ULL + now.us / 1000;
    bool due = b->turn_us > 0 && b->turn_us <= now.us;
    if (due || hub_wait_us(b->kit.hub, now) == 0) {
        b->turn_us = 0;
        one_turn(b);
    }
    for (int i = 0; i < 10000 && hub_wait_us(b->kit.hub, now) == 0; i++) {
        one_turn(b);
    }
}
