#include "plugin/hub/trunk.h"

void typing_remote(struct hub *h, const struct fp_id *via, const struct fp_id *conv, const struct fp_id *users, size_t count)
{
    (void)h;
    (void)via;
    (void)conv;
    (void)users;
    (void)count;
}

void typing_remote_lost(struct hub *h, const struct fp_id *via)
{
    (void)h;
    (void)via;
}

enum fp_err typing_local(struct hub *h, struct fp_bytes *out_rows, size_t *out_count)
{
    (void)h;
    *out_rows = (struct fp_bytes){0};
    *out_count = 0;
    return FP_OK;
}
