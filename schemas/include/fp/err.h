/*
 * err.h: every way in which something of ours can fail.
 *
 * Shape       three families, by what the caller does next:
 *               1 to 99     answer the peer; the number is the nack code on the wire
 *               100 to 199  try later; nothing was changed
 *               200 up      stop and tell the operator
 * Source      schemas/cddl/reply.cddl (nack-code)
 */
#ifndef FP_ERR_H
#define FP_ERR_H

#include <stdbool.h>

enum fp_err {
    FP_OK = 0,

    FP_EMALFORMED = 1,
    FP_ETOOLARGE = 2,
    FP_EDENIED = 3,
    FP_EUNKNOWN = 4,
    FP_EGAP = 5,
    FP_ECONFLICT = 6,
    FP_ESTALE = 7,
    FP_ETOOLATE = 8,
    FP_ERATE = 9,
    FP_EFULL = 10, /* storage is full; nothing was lost */
    FP_EUNSUPPORTED = 11,
    FP_EEXPIRED = 12,
    FP_EBUSY = 13,
    FP_EIDENTITY = 14,

    FP_EAGAIN = 100,    /* nothing there yet, or no room yet */
    FP_ESHUTDOWN = 101, /* the process is stopping */

    FP_ENOMEM = 200,
    FP_EIO = 201,      /* the disk said no */
    FP_ECORRUPT = 202, /* what was read back is not what we wrote */
    FP_ECONFIG = 203,
    FP_EVERSION = 204, /* written by a newer release */
};

static inline bool fp_err_is_peer(enum fp_err err)
{
    return err > FP_OK && err < 100;
}

static inline bool fp_err_is_later(enum fp_err err)
{
    return err >= 100 && err < 200;
}

static inline bool fp_err_is_fatal(enum fp_err err)
{
    return err >= 200;
}

/* A word for logs and nacks, such as "malformed"; never NULL. */
const char *fp_err_name(enum fp_err err);

#endif
