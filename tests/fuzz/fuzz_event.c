/* Events and runs: no harm; an event that we write reads the same; cutting a run gives the events that were asked for. */
#include "fuzz.h"

#include "fp/event.h"

static void check_taken(struct fp_bytes one, const struct fp_event *ev)
{
    uint8_t *buf = malloc(one.len);
    struct fp_event again;
    struct fp_enc e;
    FUZZ_NEED(buf != NULL);
    FUZZ_NEED(fp_event_seq(one) == ev->seq);
    FUZZ_NEED(fuzz_is_within(ev->body, one) && fuzz_is_within(ev->trace, one) && fuzz_is_within(ev->body_hash, one));

    fp_enc_init(&e, buf, one.len); /* unknown keys and defaults are left out, so it is never longer */
    FUZZ_NEED(fp_event_encode(&e, ev));
    FUZZ_NEED(fp_event_decode(fp_enc_bytes_of(&e), &again) == FP_OK);
    FUZZ_NEED(again.kind == ev->kind && again.n == ev->n && again.seq == ev->seq && again.at.ms == ev->at.ms && again.flags == ev->flags);
    FUZZ_NEED(fp_id_eq(&again.conv, &ev->conv) && fp_id_eq(&again.user, &ev->user) && fp_id_eq(&again.device, &ev->device));
    FUZZ_NEED(again.seen == ev->seen && again.ref == ev->ref && again.version == ev->version && again.priority == ev->priority);
    FUZZ_NEED(fp_bytes_eq(again.body, ev->body) && fp_bytes_eq(again.trace, ev->trace) && fp_bytes_eq(again.body_hash, ev->body_hash));
    FUZZ_NEED(e.len != one.len || fp_bytes_eq(fp_enc_bytes_of(&e), one));
    free(buf);
}

/* The cut is what a walk over the run finds, as far as seqs ascend, which is what a run promises. */
static void check_cut(struct fp_bytes run, uint64_t from, uint64_t to)
{
    size_t count = 0;
    struct fp_bytes cut = fp_run_cut(run, from, to, &count);
    FUZZ_NEED(fuzz_is_within(cut, run) && (count > 0) == (cut.len > 0));
    struct fp_bytes one;
    size_t events = 0;
    while (fp_run_next(&cut, &one)) {
        events++;
    }
    FUZZ_NEED(cut.len == 0 && events >= count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fp_bytes in = fp_bytes_of(data, size);
    struct fp_bytes run = in;
    struct fp_bytes one;
    struct fp_event ev;
    if (fp_event_decode(in, &ev) == FP_OK) {
        check_taken(in, &ev);
    }
    (void)fp_event_seq(in);
    while (fp_run_next(&run, &one)) {
        FUZZ_NEED(one.len > 0 && fuzz_is_within(one, in));
        if (fp_event_decode(one, &ev) == FP_OK) {
            check_taken(one, &ev);
        }
    }
    check_cut(in, 0, UINT64_MAX);
    check_cut(in, size, size + 8);
    check_cut(in, 2, 3);
    return 0;
}
