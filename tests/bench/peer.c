#include <inttypes.h>
#include <stdlib.h>

#include "fp/event.h"
#include "fp/reply.h"
#include "tests/bench/load.h"

#define DECODE_EVERY 16 /* in a closed loop the insides of every so manieth event are checked; seq of all */

static const char *name_of(const struct peer *p)
{
    return p->client->name;
}

/* ------------------------------------------------------------------ sending */

static void send_plain(struct peer *p)
{
    text_write(p->text, p->number, p->sent);
    int mid = client_publish(p->client, p->topic, fp_bytes_of(p->text, sizeof p->text));
    p->mids[p->sent % DUE_RING] = mid;
    p->sent++;
}

static void send_commands(struct peer *p, size_t count)
{
    uint8_t buf[ARRAY_MAX * COMMAND_ROOM + 8];
    struct fp_enc e;

    fp_enc_init(&e, buf, sizeof buf);
    if (count > 1) {
        fp_enc_array(&e, count);
    }
    for (size_t i = 0; i < count; i++) {
        enc_msg(&e, &p->msg, p->first_n + p->sent, p->sent);
        p->sent++;
    }
    (void)client_publish(p->client, p->topic, fp_enc_bytes_of(&e));
}

static void send_some(struct peer *p, size_t count)
{
    struct load *l = p->load;
    l->sent += count;
    l->publishes++;
    if (l->config.hub) {
        send_commands(p, count);
    } else {
        send_plain(p);
    }
}

void peer_refill(struct peer *p)
{
    const struct load_config *c = &p->load->config;
    while (p->load->sending && p->sent - p->done < c->window) {
        uint64_t room = c->window - (p->sent - p->done);
        if (c->limit > 0 && c->limit - p->sent < room) {
            room = c->limit - p->sent;
        }
        if (room == 0) {
            return;
        }
        send_some(p, c->hub && room > c->array ? c->array : (c->hub ? (size_t)room : 1));
    }
}

void peer_send_due(struct peer *p, uint64_t due_ns)
{
    if (p->sent - p->done >= DUE_RING) {
        bench_die("%s: %d messages are waiting for their ack: the rate is more than this machine can do", name_of(p), DUE_RING);
    }
    p->due_ns[p->sent % DUE_RING] = due_ns;
    send_some(p, 1);
}

/* ------------------------------------------------------------------ acks */

static void note(struct samples *s, const struct peer *sender, uint64_t index)
{
    const struct load *l = sender->load;
    if (sender->due_ns == NULL) {
        return;
    }
    uint64_t due = sender->due_ns[index % DUE_RING];
    if (due >= l->from_ns && due < l->to_ns) {
        samples_add(s, due, clock_ns());
    }
}

static void message_done(struct peer *p)
{
    note(&p->load->ack_us, p, p->done);
    p->done++;
    p->load->done++;
}

static void on_answer(struct peer *p, const struct fp_answer *a)
{
    if (!p->group->created) {
        p->group->created = true;
        p->group->created_seq = a->seq;
        p->first_n++;
        return;
    }
    if (p->done == p->sent || a->n != p->first_n + p->done) {
        bench_die("%s: an ack of command %" PRIu64 ", but %" PRIu64 " is the next one to be acknowledged, of %" PRIu64 " sent", name_of(p), a->n,
                  p->first_n + p->done, p->sent);
    }
    if (a->seq == 0 || !fp_id_eq(&a->conv, &p->group->conv)) {
        bench_die("%s: the ack of command %" PRIu64 " names no seq, or another conversation", name_of(p), a->n);
    }
    tally_add(&p->group->acked, a->seq);
    message_done(p);
}

static void on_down(struct peer *p, struct fp_bytes payload)
{
    struct fp_reply r;
    struct fp_answer a;

    if (fp_reply_decode(payload, &r) != FP_OK) {
        bench_die("%s: a reply that cannot be read (%zu bytes)", name_of(p), payload.len);
    }
    if (r.what == FP_REPLY_WELCOME) {
        p->welcomed = true;
        p->first_n = r.as.welcome.head.next_n;
        return;
    }
    if (r.what == FP_REPLY_NACK) {
        bench_die("%s: command %" PRIu64 " refused: %s: %.*s", name_of(p), r.as.nack.n, fp_err_name(r.as.nack.code), (int)r.as.nack.reason.len,
                  (const char *)r.as.nack.reason.p);
    }
    if (r.what != FP_REPLY_ACK) {
        return; /* pages and the like are not what is measured here */
    }
    while (fp_reply_answer(&r, &a)) {
        on_answer(p, &a);
    }
}

static void on_published(void *ctx, int mid)
{
    struct peer *p = ctx;
    if (p->load->config.hub || !p->sends) {
        return; /* a PUBACK promises nothing */
    }
    if (p->done == p->sent || p->mids[p->done % DUE_RING] != mid) {
        bench_die("%s: a PUBACK out of order or for nothing (message %" PRIu64 " of %" PRIu64 ")", name_of(p), p->done, p->sent);
    }
    message_done(p);
}

/* ------------------------------------------------------------------ deliveries */

static void on_text(struct peer *p, struct fp_bytes text, bool every)
{
    unsigned sender = 0;
    uint64_t index = 0;
    unsigned first = p->group->peers[0].number;

    if (!text_parse(text, &sender, &index) || sender < first || sender >= first + p->group->count) {
        bench_die("%s: a text that nobody in the group wrote", name_of(p));
    }
    uint64_t *next = &p->next_index[sender - first];
    if (every ? index != *next : index < *next) {
        bench_die("%s: message %" PRIu64 " of sender %u, but %" PRIu64 " is the next one: lost, repeated or out of order", name_of(p), index, sender,
                  *next);
    }
    *next = index + 1;
    note(&p->load->event_us, &p->group->peers[sender - first], index);
}

static void on_event(struct peer *p, struct fp_bytes one)
{
    struct fp_event ev;
    struct fp_msg msg;
    const char *why = "";
    uint64_t seq = fp_event_seq(one);
    bool open_loop = p->load->config.window == 0;

    if (seq > 0 && seq <= p->group->created_seq) {
        return;
    }
    if (seq == 0 || (p->last_seq > 0 && seq != p->last_seq + 1)) {
        bench_die("%s: seq %" PRIu64 " after %" PRIu64 ": lost, repeated or out of order", name_of(p), seq, p->last_seq);
    }
    p->last_seq = seq;
    tally_add(&p->got, seq);
    p->load->delivered++;
    if (!open_loop && seq % DECODE_EVERY != 0) {
        return;
    }
    if (fp_event_decode(one, &ev) != FP_OK || ev.kind != FP_K_MSG || !fp_id_eq(&ev.conv, &p->group->conv) ||
        fp_msg_decode(ev.body, &msg, &why) != FP_OK) {
        bench_die("%s: event %" PRIu64 " is not a message of its conversation %s", name_of(p), seq, why);
    }
    on_text(p, msg.text, open_loop);
}

static void on_message(void *ctx, const char *topic, struct fp_bytes payload)
{
    struct peer *p = ctx;
    struct fp_bytes run, one;

    if (!p->load->config.hub) {
        on_text(p, payload, true);
        p->load->delivered++;
        p->got.count++;
        return;
    }
    if (strncmp(topic, "fp/1/device/", 12) == 0) {
        on_down(p, payload);
        return;
    }
    size_t left = events_open(payload, &run);
    while (left > 0 && fp_run_next(&run, &one)) {
        on_event(p, one);
        left--;
    }
    if (left > 0 || run.len > 0) {
        bench_die("%s: events that cannot be read (%zu bytes)", name_of(p), payload.len);
    }
}

static void on_served(void *ctx)
{
    struct peer *p = ctx;
    if (p->sends && p->load->config.window > 0) {
        peer_refill(p);
    }
}

const struct client_ops peer_ops = {.message = on_message, .published = on_published, .served = on_served};

/* ------------------------------------------------------------------ L2 */

void peer_check(const struct peer *p)
{
    const struct group *g = p->group;
    uint64_t wanted = 0;

    for (unsigned i = 0; i < g->count; i++) {
        wanted += g->peers[i].sent;
    }
    if (p->sent != p->done) {
        bench_die("%s: %" PRIu64 " of %" PRIu64 " messages were never acknowledged", name_of(p), p->sent - p->done, p->sent);
    }
    if (!p->receives) {
        return;
    }
    if (p->got.count != wanted) {
        bench_die("%s: %" PRIu64 " deliveries of %" PRIu64 " messages", name_of(p), p->got.count, wanted);
    }
    if (p->load->config.hub && (p->got.count != g->acked.count || p->got.sum != g->acked.sum)) {
        bench_die("%s: the events received are not those that were acknowledged", name_of(p));
    }
}
