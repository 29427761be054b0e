#include "plugin/hub/trunk.h"

enum fp_err apply_event(struct hub *h, struct fp_bytes one)
{
    (void)h;
    (void)one;
    return FP_EUNSUPPORTED;
}

enum fp_err apply_conv_state(struct hub *h, struct fp_conv_state *s)
{
    (void)h;
    (void)s;
    return FP_EUNSUPPORTED;
}

enum fp_err apply_receipts(struct hub *h, struct fp_record_down *r)
{
    (void)h;
    (void)r;
    return FP_EUNSUPPORTED;
}

enum fp_err apply_person(struct hub *h, const struct fp_person_facts *f)
{
    (void)h;
    (void)f;
    return FP_EUNSUPPORTED;
}
