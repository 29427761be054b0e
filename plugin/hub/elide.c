#include "plugin/hub/state.h"

enum fp_err elide_run(struct hub *h, uint64_t cid, uint64_t from, uint64_t to, struct fp_bytes run, struct fp_bytes *out)
{
    (void)h;
    (void)cid;
    (void)from;
    (void)to;
    *out = run;
    return FP_OK;
}
