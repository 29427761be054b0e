#include "plugin/mosq/outlet.h"

#include <assert.h>

#include "plugin/mosq/clock.h"

struct out_record { /* a publish: the topic with its NUL follows, then the payload; a line: its text */
    enum tell_kind kind;
    uint32_t payload_len;
    uint16_t topic_len;
    uint8_t qos;
    uint8_t level;
    bool retain;
    uint8_t touches; /* 0 to 63: a hash of the id whose readers a publish reaches, or a grant changes */
    bool allowed;
    uint32_t alive_s;
    uint64_t change;
    uint64_t conn;
    struct fp_id id;
    struct fp_id user;
};

enum fp_err outlet_init(struct outlet *out, size_t cap_bytes, struct gate *gate, struct waker *waker)
{
    *out = (struct outlet){.gate = gate, .waker = waker};
    atomic_init(&out->stop, OUTLET_RUNS);
    atomic_init(&out->full, false);
    atomic_init(&out->quiet, 0);
    atomic_init(&out->dropped, 0);
    return ring_init(&out->ring, cap_bytes);
}

void outlet_fini(struct outlet *out)
{
    ring_fini(&out->ring);
}

void outlet_stop(struct outlet *out, enum outlet_stop how)
{
    atomic_store(&out->stop, how);
    gate_open(out->gate);
}

bool outlet_pending(const struct outlet *out)
{
    return ring_head(&out->ring) != atomic_load(&out->quiet);
}

static void poke(struct outlet *out)
{
    if (out->waker != NULL) {
        waker_poke(out->waker, clock_mono());
    }
}

uint64_t outlet_wait_us(void *arg)
{
    struct outlet *out = arg;

    if (!outlet_pending(out)) {
        return UINT64_MAX;
    }
    poke(out);
    return WAKER_EVERY_US;
}

/* The id by which the topic's readers are chosen: a grant for it must not overtake the publish. */
static const struct fp_id *reader_id(const struct fp_topic *t)
{
    switch (t->kind) {
    case FP_TOPIC_CONV_EVENT:
    case FP_TOPIC_CONV_HEAD:
    case FP_TOPIC_CONV_ABOUT:
    case FP_TOPIC_CONV_RECEIPTS:
    case FP_TOPIC_CONV_TYPING:
        return &t->b;
    case FP_TOPIC_DEVICE_UP:
    case FP_TOPIC_DEVICE_NOW:
    case FP_TOPIC_DEVICE_BLOB:
    case FP_TOPIC_DEVICE_STATUS:
    case FP_TOPIC_DEVICE_DOWN:
    case FP_TOPIC_USER_INBOX:
    case FP_TOPIC_USER_PRESENCE:
    case FP_TOPIC_SCOPE_PRESENCE:
    case FP_TOPIC_SCOPE_STATE:
    case FP_TOPIC_RELAY_UP:
    case FP_TOPIC_RELAY_DOWN:
    case FP_TOPIC_OPS:
    case FP_TOPIC_FOREIGN:
    case FP_TOPIC_KINDS:
        break;
    }
    return &t->a;
}

static uint8_t touch_of(const struct fp_id *id)
{
    return (uint8_t)(fp_hash(FP_HASH_START, id->text, id->len) >> 58);
}

static bool may_go_on(void *arg)
{
    struct outlet *out = arg;
    return !atomic_load(&out->full) || atomic_load(&out->stop) != OUTLET_RUNS;
}

static void *wait_for_room(struct outlet *out, size_t len)
{
    for (;;) {
        void *room = ring_reserve(&out->ring, len, 0);
        if (room != NULL || atomic_load(&out->stop) != OUTLET_RUNS) {
            return room;
        }
        atomic_store(&out->full, true);
        room = ring_reserve(&out->ring, len, 0); /* the broker may have made room before it could see that we wait */
        if (room != NULL) {
            return room;
        }
        poke(out);
        gate_wait(out->gate, may_go_on, out, WAKER_EVERY_US);
    }
}

static enum fp_err put(struct outlet *out, const struct out_record *record, const char *topic, struct fp_bytes payload)
{
    size_t topic_bytes = record->topic_len > 0 ? record->topic_len + 1U : 0;
    size_t len = sizeof *record + topic_bytes + payload.len;

    if (len > ring_record_max(&out->ring)) {
        return FP_ETOOLARGE;
    }
    uint8_t *room = wait_for_room(out, len);
    if (room == NULL) {
        atomic_fetch_add_explicit(&out->dropped, 1, memory_order_relaxed);
        return FP_OK; /* B2: the broker is going down */
    }
    memcpy(room, record, sizeof *record);
    memcpy(room + sizeof *record, topic, topic_bytes);
    if (payload.len > 0) {
        memcpy(room + sizeof *record + topic_bytes, payload.p, payload.len);
    }
    ring_commit(&out->ring);
    return FP_OK;
}

static enum fp_err outlet_tell(void *ctx, const struct tell *t)
{
    struct outlet *out = ctx;
    struct out_record record = {.kind = t->kind, .payload_len = (uint32_t)t->payload.len};
    char topic[FP_TOPIC_MAX] = "";

    if (atomic_load_explicit(&out->stop, memory_order_relaxed) == OUTLET_GIVES_UP) {
        return FP_ESHUTDOWN;
    }
    switch (t->kind) {
    case TELL_PUBLISH:
        if (t->payload.len > ring_record_max(&out->ring)) {
            return FP_ETOOLARGE; /* before its length is cut to 32 bits */
        }
        record.topic_len = (uint16_t)fp_topic_build(&t->topic, topic, sizeof topic);
        assert(record.topic_len > 0);
        record.qos = t->qos;
        record.retain = t->retain;
        record.touches = touch_of(reader_id(&t->topic));
        return put(out, &record, topic, t->payload);
    case TELL_GRANT_CONV:
    case TELL_GRANT_SCOPE:
    case TELL_GRANT_DEVICE:
    case TELL_OPEN:
    case TELL_IDLE:
    case TELL_ALIVE:
        record.id = t->id;
        record.user = t->user;
        record.allowed = t->allowed;
        record.change = t->change;
        record.conn = t->conn;
        record.alive_s = t->alive_s;
        record.touches = touch_of(&t->id);
        record.payload_len = 0;
        return put(out, &record, topic, fp_bytes_of(NULL, 0));
    case TELL_LOG:
        record.level = (uint8_t)t->level;
        return put(out, &record, topic, t->payload);
    }
    return FP_EUNSUPPORTED;
}

static void outlet_flush(void *ctx)
{
    struct outlet *out = ctx;
    if (outlet_pending(out)) {
        poke(out);
    }
}

static bool outlet_has_room(void *ctx)
{
    const struct outlet *out = ctx;
    return ring_used(&out->ring) < ring_cap(&out->ring) / 4;
}

struct bus_port outlet_port(struct outlet *out)
{
    return (struct bus_port){.ctx = out, .tell = outlet_tell, .flush = outlet_flush, .has_room = outlet_has_room};
}

bool outlet_has_next(struct outlet *out)
{
    return ring_has_next(&out->ring);
}

/* False: it has to wait for the next TICK. */
static bool hand_on(const struct out_record *r, struct budget *budget, struct outlet_sink sink, struct outlet_turn *turn)
{
    const char *topic = (const char *)(r + 1);
    uint64_t bit = 1ULL << r->touches;

    if (r->kind == TELL_LOG) {
        if (sink.log != NULL) {
            sink.log(sink.ctx, (enum tell_level)r->level, fp_bytes_of(topic, r->payload_len));
        }
        return true;
    }
    if (r->kind != TELL_PUBLISH) {
        if ((turn->touched & bit) != 0) {
            return false; /* O1 */
        }
        sink.grant(
            sink.ctx,
            &(struct outlet_grant){
                .kind = r->kind, .id = r->id, .user = r->user, .allowed = r->allowed, .change = r->change, .conn = r->conn, .alive_s = r->alive_s});
        turn->grants++;
        return true;
    }
    struct outlet_publish p = {
        .topic = topic,
        .payload = fp_bytes_of(topic + r->topic_len + 1, r->payload_len),
        .qos = r->qos,
        .retain = r->retain,
    };
    if (!budget_spend(budget, p.payload.len) || !sink.publish(sink.ctx, &p)) {
        return false;
    }
    turn->touched |= bit;
    turn->publishes++;
    return true;
}

void outlet_drain(struct outlet *out, struct budget *budget, struct outlet_sink sink, struct outlet_turn *turn)
{
    struct fp_bytes span;

    while (!turn->left && ring_peek(&out->ring, &span)) {
        if (hand_on((const void *)span.p, budget, sink, turn)) {
            (void)ring_take(&out->ring, &span); /* the one that we have just looked at */
        } else {
            turn->left = true;
        }
    }
    if (!turn->left && turn->publishes == 0) {
        atomic_store(&out->quiet, ring_taken(&out->ring)); /* O2: all up to here went out in earlier TICKs */
    }
    ring_release(&out->ring);
    if (atomic_load(&out->full)) {
        atomic_store(&out->full, false);
        gate_open(out->gate);
    }
}
