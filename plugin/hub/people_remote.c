#include "plugin/hub/trunk.h"

enum fp_err people_remote(struct hub *h, const struct fp_id *via, const struct fp_person *p)
{
    (void)h;
    (void)via;
    (void)p;
    return FP_OK;
}

void people_remote_all(struct hub *h, const struct fp_id *via)
{
    (void)h;
    (void)via;
}

void people_remote_done(struct hub *h, const struct fp_id *via)
{
    (void)h;
    (void)via;
}

void people_remote_lost(struct hub *h, const struct fp_id *via)
{
    (void)h;
    (void)via;
}

enum fp_err people_local(struct hub *h, const struct fp_id *scopes, size_t scope_count, struct fp_bytes *out_rows, size_t *out_count)
{
    (void)h;
    (void)scopes;
    (void)scope_count;
    *out_rows = (struct fp_bytes){0};
    *out_count = 0;
    return FP_OK;
}

uint64_t people_local_version(const struct hub *h)
{
    (void)h;
    return 0;
}
