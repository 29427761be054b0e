#include "firmware-client/include/fieldpost.h"

enum { Q = FP_SEND_QUEUED, L = FP_SEND_RELAYED, S = FP_SEND_SENT, D = FP_SEND_DELIVERED, R = FP_SEND_READ, F = FP_SEND_FAILED };

/* A row a state, a column a signal. What the hub has on its disk cannot fail any more; what failed cannot come back. */
static const uint8_t table[FP_SEND_STATES][FP_SIGNALS] = {
    /*                       relay ack echo deliv read refused retry */
    [FP_SEND_QUEUED] = {L, S, S, D, R, F, Q},    /* queued */
    [FP_SEND_RELAYED] = {L, S, S, D, R, F, L},   /* relayed */
    [FP_SEND_SENT] = {S, S, S, D, R, S, S},      /* sent */
    [FP_SEND_DELIVERED] = {D, D, D, D, R, D, D}, /* delivered */
    [FP_SEND_READ] = {R, R, R, R, R, R, R},      /* read */
    [FP_SEND_FAILED] = {F, F, F, F, F, F, F},    /* failed */
};

enum fp_send_state fp_send_next(enum fp_send_state state, enum fp_send_signal signal)
{
    return (enum fp_send_state)table[state][signal];
}

const char *fp_send_state_name(enum fp_send_state state)
{
    static const char *const names[FP_SEND_STATES] = {"queued", "relayed", "sent", "delivered", "read", "failed"};
    return state < FP_SEND_STATES ? names[state] : "unknown";
}
