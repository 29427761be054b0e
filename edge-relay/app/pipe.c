#include "edge-relay/app/pipe_impl.h"

#include "firmware-client/core/backoff.h"

#define ATTEMPT_US 10000000U /* transport, CONNECT and SUBSCRIBE each get so long */
#define WAKE_EVERY_US 500000U
#define STEADY_US 30000000U /* a session that stood so long, or was of use, makes the backoff begin anew; a link that only flaps is not hammered */
#define USEFUL_FRAMES 3

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------ life */

static bool topics_of(struct pipe *p, const char *relay)
{
    struct fp_topic up = {.kind = FP_TOPIC_RELAY_UP};
    struct fp_topic down = {.kind = FP_TOPIC_RELAY_DOWN};
    if (!relay || !fp_id_parse(relay, strlen(relay), &up.a)) {
        return false;
    }
    down.a = up.a;
    (void)fp_topic_build(&up, p->ends[PIPE_SITE].in_topic, FP_TOPIC_MAX);
    (void)fp_topic_build(&down, p->ends[PIPE_SITE].out_topic, FP_TOPIC_MAX);
    (void)fp_topic_build(&down, p->ends[PIPE_HUB].in_topic, FP_TOPIC_MAX);
    (void)fp_topic_build(&up, p->ends[PIPE_HUB].out_topic, FP_TOPIC_MAX);
    return true;
}

enum fp_err pipe_open(const struct pipe_config *config, struct pipe **out)
{
    struct pipe *p = calloc(1, sizeof(*p));
    if (!p) {
        return FP_ENOMEM;
    }
    p->config = *config;
    p->config.keepalive_s = config->keepalive_s > 0 ? config->keepalive_s : 15;
    p->config.backoff_min_ms = config->backoff_min_ms > 0 ? config->backoff_min_ms : 200;
    p->config.backoff_max_ms = config->backoff_max_ms > 0 ? config->backoff_max_ms : 60000;
    enum fp_err err = topics_of(p, config->relay) ? FP_OK : FP_ECONFIG;
    for (int i = 0; i < PIPE_SIDES && !err; i++) {
        struct end *e = &p->ends[i];
        e->config = config->ends[i];
        e->in = malloc(BUFFER_BYTES);
        e->out = (struct fp_mqtt_out){.buf = malloc(BUFFER_BYTES), .cap = BUFFER_BYTES};
        err = !e->config.client_id ? FP_ECONFIG : !e->in || !e->out.buf ? FP_ENOMEM : FP_OK;
    }
    if (err) {
        pipe_close(p);
        return err;
    }
    *out = p;
    return FP_OK;
}

static void tell(struct pipe *p, const struct pipe_event *event)
{
    if (p->config.told) {
        p->config.told(p->config.told_ctx, event);
    }
}

static void shut(struct end *e)
{
    if (e->open || e->state >= PIPE_CONNECTING) {
        e->config.transport.close(e->config.transport.ctx);
    }
    e->open = false;
    e->blocked = false;
    e->asked = false;
    e->in_len = 0;
    e->out.len = 0;
    e->out_done = 0;
    e->reader = (struct fp_mqtt_reader){0};
    e->stats.dropped += frames_drop(&e->queue);
}

/* Until the next attempt, with full jitter. */
static void wait_for_next(struct pipe *p, enum pipe_side side, enum fp_err err, const char *why)
{
    struct end *e = &p->ends[side];
    bool steady = e->state == PIPE_UP && (p->now - e->up_at >= STEADY_US || e->stats.frames_in >= e->frames_at_up + USEFUL_FRAMES);
    shut(e);
    e->state = PIPE_WAITING;
    e->attempt = steady ? 0 : e->attempt;
    uint32_t wait_ms = fp_backoff_ms(p->config.random.next(p->config.random.ctx), e->attempt++, p->config.backoff_min_ms, p->config.backoff_max_ms);
    e->due = p->now + wait_ms * 1000ULL;
    if (err) {
        e->stats.failures++;
        tell(p, &(struct pipe_event){.side = side, .state = PIPE_WAITING, .err = err, .why = why, .retry_ms = wait_ms});
    }
}

/* W1: a session that stood takes the other one with it, which may come again at once: the site's then waits for the hub. */
void pipe_fail(struct pipe *p, enum pipe_side side, enum fp_err err, const char *why)
{
    bool stood = p->ends[side].state == PIPE_UP;
    wait_for_next(p, side, err, why);
    struct end *o = &p->ends[other(side)];
    if (stood && (o->state == PIPE_UP || o->state == PIPE_SUBSCRIBING)) {
        if (o->open && o->out.len == 0) {
            size_t done = 0;
            (void)fp_mqtt_put_disconnect(&o->out);
            (void)o->config.transport.write(o->config.transport.ctx, o->out.buf, o->out.len, &done); /* good manners; its end says it as well */
        }
        shut(o);
        o->state = PIPE_WAITING;
        o->due = p->now;
    }
}

void pipe_close(struct pipe *p)
{
    if (!p) {
        return;
    }
    for (int i = 0; i < PIPE_SIDES; i++) {
        struct end *e = &p->ends[i];
        if (e->open && e->state >= PIPE_CONNECTED && e->out.len == 0) {
            size_t done = 0;
            (void)fp_mqtt_put_disconnect(&e->out);
            (void)e->config.transport.write(e->config.transport.ctx, e->out.buf, e->out.len, &done);
        }
        shut(e);
        free(e->in);
        free(e->out.buf);
    }
    free(p);
}

/* ------------------------------------------------------------------ sessions */

static void connect_end(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    if (e->state == PIPE_WAITING) {
        if (p->now < e->due) {
            return;
        }
        e->state = PIPE_CONNECTING;
        e->due = p->now + ATTEMPT_US;
    }
    if (e->state != PIPE_CONNECTING || e->open) {
        return;
    }
    enum fp_err err = e->config.transport.open(e->config.transport.ctx);
    if (err == FP_EAGAIN) {
        return;
    }
    if (err) {
        pipe_fail(p, side, err, NULL);
        return;
    }
    struct fp_mqtt_connect m = {
        .client_id = e->config.client_id,
        .user = e->config.user,
        .password = e->config.password,
        .clean_session = true,
        .keepalive_s = p->config.keepalive_s,
    };
    e->open = true;
    e->heard = p->now;
    e->said = p->now;
    e->due = p->now + ATTEMPT_US;
    if (!fp_mqtt_put_connect(&e->out, &m)) {
        pipe_fail(p, side, FP_ECONFIG, "user, password and client id are too long");
    }
}

/* The hub's end subscribes at once; the site's when the hub is there (W1). */
static void subscribe(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    bool ready = side == PIPE_HUB || p->ends[PIPE_HUB].state == PIPE_UP;
    if (e->state == PIPE_CONNECTED && ready && e->out.len == 0 && fp_mqtt_put_subscribe(&e->out, 1, e->in_topic, 0)) {
        e->state = PIPE_SUBSCRIBING;
        e->due = p->now + ATTEMPT_US;
    }
}

static void stands(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    e->state = PIPE_UP;
    e->up_at = p->now;
    e->frames_at_up = e->stats.frames_in;
    e->due = PIPE_FOREVER;
    e->stats.connects++;
    tell(p, &(struct pipe_event){.side = side, .state = PIPE_UP});
}

static const char *refusal(uint8_t code)
{
    static const char *const texts[] = {"",
                                        "the broker does not speak MQTT 3.1.1",
                                        "the broker refuses the client id",
                                        "the broker is not available",
                                        "the broker refuses user or password",
                                        "the broker refuses this user"};
    return code < sizeof(texts) / sizeof(texts[0]) ? texts[code] : "the broker refuses the connection";
}

void pipe_connected(struct pipe *p, enum pipe_side side, uint8_t code)
{
    struct end *e = &p->ends[side];
    if (code != 0) {
        pipe_fail(p, side, FP_EDENIED, refusal(code));
    } else if (e->state == PIPE_CONNECTING) {
        e->state = PIPE_CONNECTED;
        e->due = PIPE_FOREVER;
    }
}

void pipe_subscribed(struct pipe *p, enum pipe_side side, uint8_t code)
{
    if (code > 2) {
        pipe_fail(p, side, FP_EDENIED, "the broker refuses the relay's topic: is this user its relay there?");
    } else if (p->ends[side].state == PIPE_SUBSCRIBING) {
        stands(p, side);
    }
}

/* ------------------------------------------------------------------ time */

static void check_time(struct pipe *p, enum pipe_side side)
{
    struct end *e = &p->ends[side];
    uint64_t keepalive = p->config.keepalive_s * 1000000ULL;
    if (e->state != PIPE_WAITING && p->now >= e->due) {
        pipe_fail(p, side, FP_EIO, "nobody answers");
        return;
    }
    if (!e->open || e->state < PIPE_CONNECTED) {
        return;
    }
    if (p->now - e->heard >= keepalive + keepalive / 2) {
        pipe_fail(p, side, FP_EIO, "the broker has been silent for too long"); /* W4 */
        return;
    }
    bool quiet = p->now - e->heard >= keepalive / 2 || p->now - e->said >= keepalive / 2;
    if (quiet && !e->asked && e->out.len == 0 && fp_mqtt_put_pingreq(&e->out)) {
        e->asked = true;
    }
}

static uint64_t next_time(const struct pipe *p, enum pipe_side side)
{
    const struct end *e = &p->ends[side];
    uint64_t keepalive = p->config.keepalive_s * 1000000ULL;
    uint64_t next = e->due;
    if (e->open && e->state >= PIPE_CONNECTED) {
        next = sooner(next, e->heard + keepalive + keepalive / 2);
        next = e->asked ? next : sooner(next, sooner(e->heard, e->said) + keepalive / 2);
    }
    return next;
}

uint64_t pipe_poll(struct pipe *p, struct fp_mono now)
{
    p->now = now.us;
    for (int i = 0; i < PIPE_SIDES; i++) {
        check_time(p, (enum pipe_side)i);
        connect_end(p, (enum pipe_side)i);
    }
    uint64_t next = PIPE_FOREVER;
    for (int i = 0; i < PIPE_SIDES; i++) {
        next = pipe_read(p, (enum pipe_side)i) ? p->now : next; /* what TLS has decrypted makes no socket readable */
    }
    for (int i = PIPE_SIDES; i > 0; i--) { /* the hub first: the site's subscription waits for it */
        subscribe(p, (enum pipe_side)(i - 1));
        pipe_write(p, (enum pipe_side)(i - 1));
    }
    for (int i = 0; i < PIPE_SIDES; i++) {
        next = sooner(next, next_time(p, (enum pipe_side)i));
    }
    return next;
}

void pipe_wake(struct pipe *p, struct fp_mono now)
{
    if (p->woken > 0 && now.us - p->woken < WAKE_EVERY_US) {
        return;
    }
    p->woken = now.us;
    for (int i = 0; i < PIPE_SIDES; i++) {
        struct end *e = &p->ends[i];
        if (e->state == PIPE_WAITING) {
            e->due = now.us;
            e->attempt = 0;
        }
    }
}

struct pipe_stats pipe_stats(const struct pipe *p, enum pipe_side side)
{
    struct pipe_stats s = p->ends[side].stats;
    s.waiting_bytes = p->ends[side].queue.bytes;
    s.state = p->ends[side].state;
    return s;
}
