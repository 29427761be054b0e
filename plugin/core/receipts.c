#include "plugin/core/receipts.h"

#include <assert.h>

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum fp_err receipt_merge(struct receipt *known, const struct receipt_report *report, uint64_t head, struct receipt_moved *out_moved)
{
    assert(known->read <= known->delivered && known->shown_read <= known->shown_delivered); /* R1 */
    assert(known->shown_read <= known->read && known->shown_delivered <= known->delivered); /* R4 */

    if (report->delivered > head || report->read > head) {
        return FP_ECONFLICT;
    }
    struct receipt next = *known;
    next.read = max_u64(known->read, report->read);
    next.delivered = max_u64(max_u64(known->delivered, report->delivered), next.read); /* R1 */
    if (!report->hidden) {
        uint64_t read = report->private_read ? 0 : report->read;
        next.shown_read = max_u64(known->shown_read, read);
        next.shown_delivered = max_u64(max_u64(known->shown_delivered, report->delivered), next.shown_read); /* R1 */
    }
    out_moved->own = next.delivered != known->delivered || next.read != known->read;
    out_moved->shown = next.shown_delivered != known->shown_delivered || next.shown_read != known->shown_read;
    *known = next;
    return FP_OK;
}

bool receipt_show(struct receipt *known)
{
    bool moved = known->shown_delivered != known->delivered || known->shown_read != known->read;
    known->shown_delivered = known->delivered;
    known->shown_read = known->read;
    return moved;
}
