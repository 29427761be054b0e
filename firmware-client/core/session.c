#include "firmware-client/core/backoff.h"
#include "firmware-client/core/client_impl.h"
#include "fp/body.h"

#define CONNECT_US (10 * FP_SECOND_US)
#define STABLE_US (10 * FP_SECOND_US)
#define OPENING_US 20000ULL
#define LEAVE_US (2 * FP_SECOND_US)
#define CURSOR_BYTES_MAX 48
#define HELLO_FRAME_BYTES 160

static void set_link(struct fp_client *c, enum fp_link link, enum fp_err err, const char *why)
{
    if (c->link != link) {
        struct fp_notice n = {.kind = FP_NOTICE_LINK, .link = link, .err = err, .text = fp_bytes_of(why, strlen(why))};
        c->link = link;
        fp_tell(c, &n);
    }
}

void fp_storage_failed(struct fp_client *c, enum fp_err err)
{
    if (c->now >= c->storage_told) {
        struct fp_notice n = {.kind = FP_NOTICE_STORAGE, .err = err};
        c->storage_told = c->now + FP_SECOND_US;
        fp_tell(c, &n);
    }
}

static void close_transport(struct fp_client *c)
{
    c->config.transport.close(c->config.transport.ctx);
    c->step = FP_STEP_CLOSED;
    c->tx.len = 0;
    c->rx_len = 0;
    memset(&c->reader, 0, sizeof(c->reader));
    c->leave = false;
    fp_follow_lost(c);
}

void fp_session_drop(struct fp_client *c, enum fp_err err, const char *why)
{
    if (c->step == FP_STEP_ONLINE && c->now - c->online_at >= STABLE_US) {
        c->attempt = 0;
    }
    uint32_t max_ms = c->config.backoff_max_ms;
    uint32_t wait_ms = fp_backoff_ms(c->config.random.next(c->config.random.ctx), c->attempt, c->config.backoff_min_ms, max_ms);
    c->attempt += c->attempt < 31;
    if (err == FP_EDENIED || err == FP_EIDENTITY) { /* nothing will change soon */
        wait_ms = fp_backoff_ms(c->config.random.next(c->config.random.ctx), 0, max_ms, max_ms);
    }
    c->retry_at = c->now + wait_ms * 1000ULL;
    close_transport(c);
    fp_due(c, c->wanted ? c->retry_at : c->now);
    set_link(c, c->wanted ? FP_LINK_WAITING : FP_LINK_IDLE, err, why);
}

static bool send_connect(struct fp_client *c)
{
    char will[FP_TOPIC_MAX];
    struct fp_topic t = {.kind = FP_TOPIC_DEVICE_STATUS, .a = c->device};
    (void)fp_topic_build(&t, will, sizeof(will));
    struct fp_mqtt_connect m = {
        .client_id = c->config.device,
        .user = c->config.user,
        .password = c->config.password,
        .will_topic = will,
        .will_payload = "offline",
        .will_qos = 1,
        .will_retain = true,
        .clean_session = true,
        .keepalive_s = c->config.keepalive_s,
    };
    return fp_mqtt_put_connect(&c->tx, &m);
}

/* As many cursors as fit; the others are asked for with get. */
static bool send_hello(struct fp_client *c)
{
    struct fp_message m;
    struct fp_enc e;
    uint64_t at = c->now;
    struct fp_body_hello h = {.app = c->config.app, .fresh = c->box.epoch == 0};
    (void)fp_rate_take(c, &at); /* the hub counts it; it is not to be held back by that */
    if (!fp_out_begin(c, &m, FP_TOPIC_DEVICE_UP, &e)) {
        return false;
    }
    size_t most = (size_t)fp_min_u64(e.cap, c->limits.command_bytes);
    size_t frame = HELLO_FRAME_BYTES + (c->config.app ? strlen(c->config.app) : 0);
    size_t room = most > frame && !fp_is_small(c) && (c->config.want & FP_WANT_EVENTS) != 0 ? (most - frame) / CURSOR_BYTES_MAX : 0;
    room = room < FP_CURSORS_MAX ? room : FP_CURSORS_MAX;
    h.cursors = h.fresh ? 0 : (c->follow_count < room ? c->follow_count : room);
    h.next_n = h.fresh ? 0 : fp_outbox_n(&c->box, c->box.first); /* a site may not know how far we are with the hub */
    h.alive_s = c->config.keepalive_s <= FP_ALIVE_MAX ? c->config.keepalive_s : 0;
    fp_out_head(&e, FP_K_HELLO, NULL, true);
    fp_body_hello_begin(&e, &h);
    for (size_t i = 0; i < h.cursors; i++) {
        fp_body_hello_cursor(&e, &c->follows[i].pub.id, c->follows[i].pub.cursor);
        c->follows[i].flags |= FP_FOLLOW_TOLD;
    }
    fp_body_hello_end(&e, &h);
    c->time_sent = c->now;
    return fp_out_end(c, &m, &e);
}

static bool subscribe_own(struct fp_client *c)
{
    char filter[FP_TOPIC_MAX];
    struct fp_topic t = {.kind = FP_TOPIC_DEVICE_DOWN, .a = c->device};
    if (c->step == FP_STEP_SUB_USER) {
        t.kind = FP_TOPIC_USER_INBOX;
        t.a = c->user;
    }
    size_t len = fp_topic_build(&t, filter, sizeof(filter));
    if (t.kind == FP_TOPIC_USER_INBOX && (c->config.want & FP_WANT_PRESENCE) != 0) {
        memcpy(filter + len - (sizeof("inbox") - 1), "+", sizeof("+"));
    }
    bool fits = fp_mqtt_put_subscribe(&c->tx, fp_out_id(c), filter, 1);
    c->blocked |= !fits;
    return fits;
}

/* Once a scope, for all its conversations. False: no room for all of them now. */
static bool subscribe_scopes(struct fp_client *c)
{
    if (c->now >= c->subs_due) {
        c->subs_due = FP_NEVER;
        for (size_t i = 0; i < c->follow_count; i++) {
            if ((c->follows[i].flags & FP_FOLLOW_REFUSED) != 0) {
                c->follows[i].flags &= (uint16_t) ~(FP_FOLLOW_REFUSED | FP_FOLLOW_SUBSCRIBED);
                c->scopes_due = true;
            }
        }
    }
    fp_due(c, c->subs_due);
    for (size_t i = 0; c->scopes_due && i < c->follow_count; i++) {
        struct fp_follow *f = &c->follows[i];
        bool done = (f->flags & FP_FOLLOW_SUBSCRIBED) != 0;
        for (size_t k = 0; k < c->follow_count && !done; k++) {
            done = (c->follows[k].flags & FP_FOLLOW_SUBSCRIBED) != 0 && fp_id_eq(&c->follows[k].pub.scope, &f->pub.scope);
        }
        if (!done && !fp_out_subscribe_scope(c, f)) {
            return false;
        }
        f->flags |= FP_FOLLOW_SUBSCRIBED;
    }
    c->scopes_due = false;
    return true;
}

/* The next thing to say on the way up; false: it does not fit, or it is the broker's turn. */
static bool next_step(struct fp_client *c)
{
    bool said = false;
    switch (c->step) {
    case FP_STEP_STATUS:
        said = fp_out_status(c, "online");
        break;
    case FP_STEP_SUB_DOWN:
    case FP_STEP_SUB_USER:
        said = subscribe_own(c);
        break;
    case FP_STEP_SUB_SCOPES:
        said = subscribe_scopes(c);
        break;
    case FP_STEP_HELLO:
        said = send_hello(c);
        break;
    case FP_STEP_CLOSED:
    case FP_STEP_OPENING:
    case FP_STEP_CONNACK:
    case FP_STEP_WELCOME:
    case FP_STEP_ONLINE:
    case FP_STEP_LEAVING:
        return false;
    }
    c->step = said ? (enum fp_step)(c->step + 1) : c->step;
    return said;
}

void fp_session_online(struct fp_client *c)
{
    c->step = FP_STEP_ONLINE;
    c->online_at = c->now;
    c->receipts_off = false;
    c->receipts_due = c->now;
    c->time_due = c->now;
    fp_uplink_start(c);
    set_link(c, FP_LINK_ONLINE, FP_OK, "");
}

static void open_transport(struct fp_client *c)
{
    enum fp_err err = c->config.transport.open(c->config.transport.ctx);
    if (err == FP_EAGAIN) {
        fp_due(c, c->now + OPENING_US);
    } else if (err) {
        fp_session_drop(c, err, "no connection to the broker");
    } else if (!send_connect(c)) {
        fp_session_drop(c, FP_ETOOLARGE, "tx_bytes: CONNECT does not fit");
    } else {
        c->step = FP_STEP_CONNACK;
        c->last_rx = c->now;
    }
}

static void start(struct fp_client *c)
{
    if (!c->wanted) {
        set_link(c, FP_LINK_IDLE, FP_OK, "");
    } else if (c->now < c->retry_at) {
        fp_due(c, c->retry_at);
    } else {
        c->step = FP_STEP_OPENING;
        c->attempt_at = c->now;
        c->step_due = c->now + CONNECT_US;
        set_link(c, FP_LINK_CONNECTING, FP_OK, "");
    }
}

/*
 * A hub that counts on our publishing is asked for the time, which proves the link up to itself. It may shed that or be slow, so where it does not
 * answer the broker is asked too: its own PINGRESP keeps the connection.
 */
static void keep_alive(struct fp_client *c)
{
    uint64_t every_us = c->config.keepalive_s * FP_SECOND_US;
    uint64_t dead_at = c->last_rx + every_us + every_us / 2;
    uint64_t ask_at = fp_min_u64(c->last_rx, c->said_at) + every_us;
    if (c->now >= dead_at) {
        fp_session_drop(c, FP_EIO, "nothing was heard of the broker");
        return;
    }
    if (c->limits.alive_s > 0 && !c->time_asked && c->now >= ask_at) {
        c->time_asked = true;
        c->time_due = c->now;
    }
    ask_at += c->time_asked ? every_us / 4 : 0;
    if (!c->ping_sent && c->now >= ask_at) {
        c->ping_sent = fp_mqtt_put_pingreq(&c->tx);
        c->said_at = c->now;
    }
    fp_due(c, c->now >= ask_at ? dead_at : ask_at); /* a ping that does not fit goes out when the transport takes more */
}

/* Says good-bye, in this order; what does not fit is left out but for the DISCONNECT's place in the end. */
void fp_session_leave(struct fp_client *c)
{
    c->leave = false;
    if (c->step == FP_STEP_CLOSED) {
        return;
    }
    fp_receipts_save(c);
    if (c->step > FP_STEP_CONNACK) {
        (void)fp_out_status(c, "offline");
        (void)(fp_is_online(c) && fp_out_plain(c, FP_K_BYE));
        (void)fp_mqtt_put_disconnect(&c->tx);
    }
    c->step = FP_STEP_LEAVING;
    c->step_due = c->now + LEAVE_US;
}

static void online_work(struct fp_client *c)
{
    keep_alive(c);
    if (!fp_is_online(c) || !subscribe_scopes(c)) {
        return;
    }
    fp_follow_work(c);
    fp_uplink_work(c);
    fp_receipts_work(c);
    fp_hubclock_work(c);
}

void fp_session_work(struct fp_client *c)
{
    if (c->leave) {
        fp_session_leave(c);
    }
    if (c->step == FP_STEP_CLOSED) {
        start(c);
    }
    if (c->step == FP_STEP_OPENING) {
        open_transport(c);
    }
    if (c->step >= FP_STEP_CONNACK && c->step != FP_STEP_LEAVING) {
        fp_packet_read(c);
    }
    while (next_step(c)) {
    }
    if (fp_is_online(c)) {
        online_work(c);
    } else if (c->step == FP_STEP_LEAVING && (c->tx.len == 0 || c->now >= c->step_due)) {
        close_transport(c);
        start(c);
        fp_due(c, c->step == FP_STEP_OPENING ? c->now : FP_NEVER); /* who has changed his mind comes back at once */
    } else if (c->step != FP_STEP_CLOSED) {
        fp_due(c, c->step_due);
        if (c->now >= c->step_due) {
            fp_session_drop(c, FP_EIO, "no answer within 10 s");
        }
    }
}

void fp_session_flush(struct fp_client *c)
{
    while (c->tx.len > 0 && c->step >= FP_STEP_CONNACK) {
        size_t taken = 0;
        enum fp_err err = c->config.transport.write(c->config.transport.ctx, c->tx.buf, c->tx.len, &taken);
        if (err == FP_EAGAIN) {
            return;
        }
        if (err) {
            fp_session_drop(c, err, "the connection has ended");
            return;
        }
        c->tx.len -= taken;
        memmove(c->tx.buf, c->tx.buf + taken, c->tx.len);
        if (c->step == FP_STEP_LEAVING && c->tx.len == 0) {
            fp_due(c, c->now);
        }
    }
}
