#include "fp/err.h"

#include "fp/keys.h"

/* The first family is the wire's nack codes. */
_Static_assert((int)FP_EMALFORMED == FP_C_MALFORMED && (int)FP_ETOOLARGE == FP_C_TOO_LARGE, "nack code");
_Static_assert((int)FP_EDENIED == FP_C_DENIED && (int)FP_EUNKNOWN == FP_C_UNKNOWN, "nack code");
_Static_assert((int)FP_EGAP == FP_C_GAP && (int)FP_ECONFLICT == FP_C_CONFLICT, "nack code");
_Static_assert((int)FP_ESTALE == FP_C_STALE && (int)FP_ETOOLATE == FP_C_TOO_LATE, "nack code");
_Static_assert((int)FP_ERATE == FP_C_RATE && (int)FP_EFULL == FP_C_FULL, "nack code");
_Static_assert((int)FP_EUNSUPPORTED == FP_C_UNSUPPORTED && (int)FP_EEXPIRED == FP_C_EXPIRED, "nack code");
_Static_assert((int)FP_EBUSY == FP_C_BUSY && (int)FP_EIDENTITY == FP_C_IDENTITY, "nack code");

const char *fp_err_name(enum fp_err err)
{
    switch (err) {
    case FP_OK:
        return "ok";
    case FP_EMALFORMED:
        return "malformed";
    case FP_ETOOLARGE:
        return "too large";
    case FP_EDENIED:
        return "denied";
    case FP_EUNKNOWN:
        return "unknown";
    case FP_EGAP:
        return "gap";
    case FP_ECONFLICT:
        return "conflict";
    case FP_ESTALE:
        return "stale";
    case FP_ETOOLATE:
        return "too late";
    case FP_ERATE:
        return "rate";
    case FP_EFULL:
        return "full";
    case FP_EUNSUPPORTED:
        return "unsupported";
    case FP_EEXPIRED:
        return "expired";
    case FP_EBUSY:
        return "busy";
    case FP_EIDENTITY:
        return "identity";
    case FP_EAGAIN:
        return "try again";
    case FP_ESHUTDOWN:
        return "shutting down";
    case FP_ENOMEM:
        return "out of memory";
    case FP_EIO:
        return "input/output";
    case FP_ECORRUPT:
        return "corrupt";
    case FP_ECONFIG:
        return "configuration";
    case FP_EVERSION:
        return "newer version";
    }
    return "unnamed error"; /* a newer peer's nack code */
}
