#include "plugin/mosq/budget.h"

void budget_init(struct budget *b)
{
    *b = (struct budget){.count = BUDGET_COUNT_START};
}

static uint32_t clamp(uint32_t count)
{
    if (count < BUDGET_COUNT_MIN) {
        return BUDGET_COUNT_MIN; /* U1 */
    }
    return count > BUDGET_COUNT_MAX ? BUDGET_COUNT_MAX : count;
}

void budget_turn(struct budget *b, uint64_t delivery_us)
{
    if (delivery_us > BUDGET_HIGH_US) {
        /* Half of what it was given or of what it used, whichever is less: a small turn that was dear says more than a large budget. */
        b->count = clamp((b->used < b->count ? b->used : b->count) / 2);
    } else if (delivery_us < BUDGET_LOW_US && b->cut_short) {
        b->count = clamp(b->count + b->count / 4);
    }
    b->used = 0;
    b->bytes_used = 0;
    b->cut_short = false;
}

bool budget_spend(struct budget *b, size_t payload_bytes)
{
    size_t bytes_max = (size_t)b->count * BUDGET_BYTES_PER_PUBLISH;

    if (b->used > 0 && (b->used >= b->count || payload_bytes > bytes_max - b->bytes_used)) {
        b->cut_short = true;
        return false;
    }
    b->used++;
    b->bytes_used = payload_bytes > bytes_max - b->bytes_used ? bytes_max : b->bytes_used + payload_bytes;
    return true;
}
