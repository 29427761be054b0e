#include "fp/command.h"
#include "tests/sim/model_peer.h"

static const char topic_down[] = "fp/1/device/anna-phone/down";
static const char topic_event[] = "fp/1/scope/house/conv/kitchen/event";
static const char topic_receipts[] = "fp/1/scope/house/conv/kitchen/receipts";

static struct fp_id id_of(const char *text)
{
    struct fp_id id;
    if (!fp_id_parse(text, strlen(text), &id)) {
        model_fail("no id: %s", text);
    }
    return id;
}

/* ------------------------------------------------------------------ packets to the client */

static void put(const void *p, size_t len)
{
    if (len > MODEL_PIPE - model.to_client_len) {
        model_fail("the client does not read");
    }
    memcpy(model.to_client + model.to_client_len, p, len);
    model.to_client_len += len;
}

static void publish(const char *topic, const struct fp_enc *e)
{
    size_t topic_len = strlen(topic);
    size_t left = 4 + topic_len + e->len;
    model.packet_id = model.packet_id == UINT16_MAX ? 1 : (uint16_t)(model.packet_id + 1);
    uint8_t head[5] = {0x32, (uint8_t)(left % 128 | 128), (uint8_t)(left / 128), (uint8_t)(topic_len >> 8), (uint8_t)topic_len};
    uint8_t id[2] = {(uint8_t)(model.packet_id >> 8), (uint8_t)model.packet_id};

    if (e->failed || !model.open || model.broken) {
        return;
    }
    if (left < 128) {
        uint8_t small[4] = {0x32, (uint8_t)left, head[3], head[4]};
        put(small, sizeof(small));
    } else {
        put(head, sizeof(head));
    }
    put(topic, topic_len);
    put(id, sizeof(id));
    put(e->buf, e->len);
}

static void put_event(struct fp_enc *e, uint64_t seq)
{
    uint8_t body[64];
    struct fp_enc b;
    uint64_t n = model.event_n[seq];
    fp_enc_init(&b, body, sizeof(body));
    fp_enc_map(&b, n > 0 ? 2 : 1);
    fp_enc_uint(&b, FP_MSG_TEXT);
    fp_enc_text(&b, "hi", 2);
    if (n > 0) {
        fp_enc_uint(&b, MODEL_TOKEN_KEY);
        fp_enc_uint(&b, model.ns[n].cmd + 1);
    }
    struct fp_event ev = {
        .kind = FP_K_MSG,
        .n = n > 0 ? n : 1,
        .conv = id_of("kitchen"),
        .priority = FP_PRIORITY_NORMAL,
        .body = fp_enc_bytes_of(&b),
        .seq = seq,
        .at = {.ms = 1700000000000 + seq},
        .user = id_of(n > 0 ? "anna" : "ben"),
        .device = id_of(n > 0 ? "anna-phone" : "ben-phone"),
    };
    (void)fp_event_encode(e, &ev);
}

static void put_page(uint64_t after, uint64_t upto)
{
    uint8_t buf[2048];
    struct fp_enc e;
    struct fp_id conv = id_of("kitchen");
    fp_enc_init(&e, buf, sizeof(buf));
    upto = upto == 0 || upto > model.head ? model.head : upto;
    upto = upto < after ? after : upto;
    fp_enc_page_begin(&e, &conv, after + 1, upto, false, false);
    fp_enc_array(&e, (size_t)(upto - after));
    for (uint64_t seq = after + 1; seq <= upto; seq++) {
        put_event(&e, seq);
    }
    publish(topic_down, &e);
}

static void put_welcome(void)
{
    uint8_t buf[512];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    struct fp_welcome w = {
        .epoch = 7,
        .session = ++model.session,
        .at = {.ms = 1700000000000 + model.now.us / 1000},
        .next_n = model.next_n,
        .head_count = 1,
        .limits = {.command_bytes = 16384, .batch_commands = 64, .commands_per_s = 200, .page_bytes = 65536},
    };
    fp_enc_welcome_begin(&e, &w);
    fp_enc_conv_head(&e, &(struct fp_conv_head){.conv = id_of("kitchen"), .scope = id_of("house"), .head = model.head});
    fp_enc_welcome_end(&e, &w);
    publish(topic_down, &e);
}

void model_tell_ack(uint64_t n, bool relay)
{
    uint8_t buf[128];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    if (relay) { /* ack = {1: 1, 2: [[n, null, null, at]], 3: relay} */
        struct fp_id id = id_of("site");
        fp_enc_map(&e, 3);
        fp_enc_uint(&e, FP_KEY_WHAT);
        fp_enc_uint(&e, FP_REPLY_ACK);
        fp_enc_uint(&e, FP_ACK_ROWS);
        fp_enc_array(&e, 1);
        fp_enc_answer(&e, &(struct fp_answer){.n = n, .at = {.ms = 1700000000000}});
        fp_enc_uint(&e, FP_ACK_RELAY);
        fp_enc_id(&e, &id);
    } else {
        fp_enc_ack_begin(&e, 1);
        fp_enc_answer(&e, &(struct fp_answer){.n = n, .conv = id_of("kitchen"), .seq = model.ns[n].seq, .at = {.ms = 1700000000000}});
    }
    publish(topic_down, &e);
}

void model_tell_nack(uint64_t n, enum fp_err code, bool retry, uint64_t next)
{
    uint8_t buf[128];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_nack(&e, &(struct fp_nack){.n = n, .code = code, .reason = fp_bytes_of("no", 2), .retry = retry, .next_n = next});
    publish(topic_down, &e);
}

void model_tell_event(uint64_t seq, bool page)
{
    uint8_t buf[512];
    struct fp_enc e;
    if (page) {
        put_page(seq - 1, seq);
        return;
    }
    fp_enc_init(&e, buf, sizeof(buf));
    put_event(&e, seq);
    publish(topic_event, &e);
}

void model_tell_receipts(uint64_t delivered, uint64_t read)
{
    uint8_t buf[64];
    struct fp_enc e;
    fp_enc_init(&e, buf, sizeof(buf));
    fp_enc_map(&e, 1);
    fp_enc_text(&e, "ben", 3);
    fp_enc_array(&e, 2);
    fp_enc_uint(&e, delivered);
    fp_enc_uint(&e, read);
    publish(topic_receipts, &e);
}

/* ------------------------------------------------------------------ the hub */

uint64_t model_commit(uint64_t n)
{
    model.ns[n].outcome = MODEL_COMMITTED;
    model.ns[n].seq = ++model.head;
    model.event_n[model.head] = n;
    model.next_n = n + 1;
    return model.head;
}

uint64_t model_waiting_n(void)
{
    for (uint64_t n = 1; n < MODEL_NS; n++) {
        if (model.ns[n].here && (model.ns[n].outcome != MODEL_OPEN || n == model.next_n)) {
            return n;
        }
    }
    return 0;
}

static size_t token_of(struct fp_bytes body)
{
    struct fp_dec d;
    fp_dec_init(&d, body);
    for (size_t pairs = fp_dec_map(&d); pairs > 0 && !d.failed; pairs--) {
        if (fp_dec_key(&d) == MODEL_TOKEN_KEY) {
            return (size_t)fp_dec_uint(&d) - 1;
        }
        fp_dec_skip(&d);
    }
    model_fail("a command without its token");
}

static void on_durable(const struct fp_command *cmd)
{
    size_t at = token_of(cmd->body);
    if (cmd->n == 0 || cmd->n >= MODEL_NS || at >= model.cmd_count) {
        model_fail("n %llu, command %zu", (unsigned long long)cmd->n, at);
    }
    struct model_cmd *c = &model.cmds[at];
    struct model_n *k = &model.ns[cmd->n];
    if (c->cancelled) {
        model_fail("command %zu leaves after it was cancelled", at);
    }
    if (cmd->n > model.next_n) {
        uint64_t missing = model.next_n;
        for (uint64_t n = missing; n < cmd->n; n++) {
            if (!model.ns[n].here) {
                model_tell_nack(cmd->n, FP_EGAP, true, missing);
                return;
            }
        }
    }
    if (k->outcome != MODEL_OPEN && k->cmd != at) {
        model_fail("P3: n %llu was command %zu and now is command %zu", (unsigned long long)cmd->n, k->cmd, at);
    }
    k->cmd = at;
    k->here = true;
}

static void on_uplink(struct fp_bytes payload)
{
    struct fp_uplink u;
    struct fp_bytes one;
    const char *why = NULL;
    if (fp_uplink_open(&u, payload, FP_BATCH_COMMANDS_MAX, &why)) {
        model_fail("no uplink: %s", why);
    }
    while (fp_uplink_next(&u, &one)) {
        struct fp_command cmd;
        struct fp_get get;
        if (fp_command_decode(one, FP_COMMAND_BYTES_MAX, &cmd, &why)) {
            model_fail("no command: %s", why);
        }
        if (cmd.kind == FP_K_HELLO || cmd.kind == FP_K_HEADS) {
            put_welcome();
        } else if (cmd.kind == FP_K_GET && fp_get_decode(cmd.body, &get, &why) == FP_OK) {
            put_page(get.after, get.upto);
        } else if (fp_kind_is_durable(cmd.kind)) {
            on_durable(&cmd);
        }
    }
}

static void on_packet(const struct fp_mqtt_packet *p)
{
    uint8_t id[2] = {(uint8_t)(p->id >> 8), (uint8_t)p->id};
    switch (p->type) {
    case FP_MQTT_CONNECT:
        put((const uint8_t[]){0x20, 2, 0, 0}, 4);
        return;
    case FP_MQTT_SUBSCRIBE:
        put((const uint8_t[]){0x90, 3, id[0], id[1], 1}, 5);
        return;
    case FP_MQTT_PINGREQ:
        put((const uint8_t[]){0xd0, 0}, 2);
        return;
    case FP_MQTT_PUBLISH:
        if (p->qos == 1) {
            put((const uint8_t[]){0x40, 2, id[0], id[1]}, 4);
        }
        if (p->topic.len > 3 && memcmp(p->topic.p + p->topic.len - 3, "/up", 3) == 0) {
            on_uplink(p->payload);
        }
        return;
    default:
        return;
    }
}

bool model_run_peer(void)
{
    bool any = false;
    while (model.open && !model.broken && model.to_peer_len > 0) {
        struct fp_mqtt_packet p;
        size_t used = 0;
        enum fp_err err = fp_mqtt_read(&model.reader, fp_bytes_of(model.to_peer, model.to_peer_len), MODEL_PIPE, true, &p, &used);
        if (err == FP_OK) {
            on_packet(&p);
        } else if (err != FP_EAGAIN) {
            model_fail("the client's packet is malformed");
        }
        model.to_peer_len -= used;
        memmove(model.to_peer, model.to_peer + used, model.to_peer_len);
        any = any || used > 0;
        if (err) {
            break;
        }
    }
    return any;
}
