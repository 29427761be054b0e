#include "firmware-client/cli/log.h"

#include <stdlib.h>

static struct log_entry *by_ticket(struct log *l, uint64_t ticket)
{
    for (size_t i = l->count; ticket > 0 && i > 0; i--) {
        if (l->entries[i - 1].ticket == ticket) {
            return &l->entries[i - 1];
        }
    }
    return NULL;
}

static void insert(struct log *l, size_t at, struct log_entry e)
{
    l->entries = keep_memory(realloc(l->entries, (l->count + 1) * sizeof *l->entries));
    memmove(&l->entries[at + 1], &l->entries[at], (l->count - at) * sizeof *l->entries);
    l->entries[at] = e;
    l->count++;
}

static void take_out(struct log *l, const struct log_entry *e)
{
    size_t at = (size_t)(e - l->entries);
    free(e->text);
    memmove(&l->entries[at], &l->entries[at + 1], (l->count - at - 1) * sizeof *l->entries);
    l->count--;
}

bool log_event(struct log *l, uint64_t seq, uint64_t ticket, bool own, const char *text)
{
    struct log_entry *queued = by_ticket(l, ticket);
    enum fp_send_state state = FP_SEND_SENT;
    size_t at = l->count;
    if (queued && (queued->seq == 0 || queued->seq == seq)) {
        state = queued->state > FP_SEND_SENT && queued->state != FP_SEND_FAILED ? queued->state : FP_SEND_SENT; /* G2 */
        take_out(l, queued);
        at = l->count;
    }
    while (at > 0 && (l->entries[at - 1].seq == 0 || l->entries[at - 1].seq > seq)) {
        at--;
    }
    if (at > 0 && l->entries[at - 1].seq == seq) { /* its ack came before it, from a run that had no text of it */
        struct log_entry *same = &l->entries[at - 1];
        same->ticket = ticket ? ticket : same->ticket;
        same->own = same->own || own;
        return false;
    }
    insert(l, at, (struct log_entry){.seq = seq, .ticket = ticket, .own = own, .state = state, .text = str_keep(text)});
    return true;
}

static struct log_entry *by_number(struct log *l, const struct fp_id *device, uint64_t n)
{
    for (size_t i = l->count; i > 0 && l->entries[i - 1].seq == 0; i--) { /* G1 */
        if (l->entries[i - 1].n == n && fp_id_eq(&l->entries[i - 1].device, device)) {
            return &l->entries[i - 1];
        }
    }
    return NULL;
}

bool log_provisional(struct log *l, const struct fp_event *ev, const char *text)
{
    if (by_number(l, &ev->device, ev->n)) {
        return false;
    }
    insert(l, l->count, (struct log_entry){.device = ev->device, .n = ev->n, .state = FP_SEND_RELAYED, .text = str_keep(text)});
    return true;
}

void log_settled(struct log *l, const struct fp_id *device, uint64_t n)
{
    const struct log_entry *e = by_number(l, device, n);
    if (e) {
        take_out(l, e);
    }
}

void log_queued(struct log *l, uint64_t ticket, const char *text)
{
    insert(l, l->count, (struct log_entry){.ticket = ticket, .own = true, .state = FP_SEND_QUEUED, .text = str_keep(text)});
}

void log_state(struct log *l, uint64_t ticket, enum fp_send_state state, const char *reason)
{
    struct log_entry *e = by_ticket(l, ticket);
    if (!e || state <= e->state) {
        return; /* G2 */
    }
    e->state = state;
    if (state == FP_SEND_FAILED) {
        struct str text = {0};
        str_format(&text, "%s (%s)", e->text, reason);
        free(e->text);
        e->text = text.p;
    }
}

void log_receipt(struct log *l, uint64_t delivered, uint64_t read)
{
    for (size_t i = 0; i < l->count; i++) {
        struct log_entry *e = &l->entries[i];
        enum fp_send_state state = e->seq <= read ? FP_SEND_READ : e->seq <= delivered ? FP_SEND_DELIVERED : FP_SEND_SENT;
        if (e->own && e->seq > 0 && e->state < state) {
            e->state = state;
        }
    }
}

const char *log_mark(const struct log_entry *e)
{
    if (!e->own) {
        return "";
    }
    switch (e->state) {
    case FP_SEND_QUEUED:
    case FP_SEND_RELAYED:
        return " ...";
    case FP_SEND_SENT:
        return " v";
    case FP_SEND_DELIVERED:
        return " vv";
    case FP_SEND_READ:
        return " vV";
    case FP_SEND_FAILED:
        return " !";
    case FP_SEND_STATES:
        break;
    }
    return "";
}

void log_fini(struct log *l)
{
    for (size_t i = 0; i < l->count; i++) {
        free(l->entries[i].text);
    }
    free(l->entries);
    *l = (struct log){0};
}
