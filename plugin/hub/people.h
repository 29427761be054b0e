/*
 * people.h: what the people_*.c files share: who is there, where that is shown, and who is watching.
 *
 * Shape       persons: a row for each user who is there, is watched, has a text, or whose last_seen is not saved yet
 *             scopes: a row for each scope; its digest goes out from here
 *             viewers: a row for each user with a watch
 *             vias: a row for each trunk that has said who is at its far end, with a row for each of these
 *             A command only marks what has changed (person_touch); what is in the store is read again between batches, so that a batch that failed
 *             or ran twice leaves nothing wrong here.
 * Invariants  W1 nothing below tells before people_run(), which is after the commit.
 *             W2 no time of a message follows from what its reader may not see.
 */
#ifndef PLUGIN_HUB_PEOPLE_H
#define PLUGIN_HUB_PEOPLE_H

#include "plugin/core/policy.h"
#include "plugin/core/presence.h"
#include "plugin/hub/state.h"

#define PERSON_BYTES (FP_STATUS_BYTES_MAX + 104) /* in a message: two ids' worth, times, the text */

struct pointers {
    void **items;
    size_t count, cap;
};

struct circle { /* who shares one may see each other: a scope, but in the scope `dm` a conversation */
    struct fp_id id;
    bool dm;
};

struct person;

struct person_remote { /* what one trunk says of a person */
    struct person *person;
    const struct via *via;
    uint8_t state; /* FP_PERSON_..., never offline: then there is no row */
    struct fp_wall since;
    bool listed;                       /* in the full list that is being told */
    struct person_remote *next_of_his; /* of the same person, via ascending */
    struct person_remote *prev, *next; /* of the same trunk */
};

struct via {
    struct fp_id id;
    struct person_remote *rows;
    struct via *next;
};

struct person {
    struct fp_id user;
    struct presence presence;
    struct person_remote *remotes;
    struct fp_wall status_until;
    struct fp_bytes status; /* own_ */
    struct fp_bytes policy; /* own_ */
    struct circle *circles; /* ascending */
    size_t circle_count;
    struct pointers viewers; /* struct viewer */
    bool stale;              /* the store's part has to be read (again) */
    bool unsaved;            /* last_seen */
    bool touched;            /* in people->touched */
    struct person *next_touched;
    UT_hash_handle hh; /* by user */
};

struct person_session {
    struct fp_id device;
    struct person *person;
    struct presence_session s;
    struct person_session *prev, *next; /* among the lost, in the order of their times */
    UT_hash_handle hh;                  /* by device */
};

struct scope {
    struct fp_id id;
    struct pointers people; /* struct person */
    uint64_t *cids;         /* its conversations, ascending */
    size_t cid_count, cid_cap;
    size_t members; /* of these, once recount is false; SCOPE_MEMBERS_ENOUGH and more are not told apart */
    bool recount;
    uint64_t told; /* hash of the digest */
    bool ever_told;
    struct fp_mono told_at;
    bool force; /* after a start: the broker may have an old one */
    bool dirty; /* in people->dirty_scopes */
    struct scope *next_dirty;
    UT_hash_handle hh; /* by id */
};

struct lease { /* of one device */
    struct lease *next;
    struct fp_id device;
    struct fp_mono until;
    struct fp_id *users;
    size_t count;
};

struct seen { /* one of those that a viewer watches */
    struct person *person;
    uint64_t told; /* hash of what he knows */
    uint64_t now;  /* and of what he would be told */
};

struct viewer {
    struct fp_id user;
    struct lease *leases;
    struct seen *seen; /* the leases' users, ascending */
    size_t count;
    bool rebuild; /* the leases have changed */
    bool full;    /* a watch waits for its answer */
    bool ever_told;
    struct fp_mono told_at;
    bool dirty; /* in people->dirty_viewers */
    struct viewer *next_dirty;
    UT_hash_handle hh; /* by user */
};

struct people {
    struct person *persons;
    struct person_session *sessions;
    struct person_session *lost;
    struct person *touched;
    struct scope *scopes, *dirty_scopes;
    struct viewer *viewers, *dirty_viewers;
    struct via *vias;
    uint64_t version;         /* of what people_local() says */
    struct fp_mono save_due;  /* of last_seens; UINT64_MAX: none */
    struct fp_mono lease_due; /* no lease ends before */
    struct fp_mono walk_due;  /* the grace after the start; 0: not begun */
    uint64_t walk_after;      /* cid; UINT64_MAX: every scope of the store is known */
};

/* ---- people.c */
bool pointers_add(struct pointers *s, void *p); /* false: no memory */
void pointers_remove(struct pointers *s, const void *p);
int people_by_id(const struct fp_id *a, const struct fp_id *b); /* the order of keys in a map: by length, then bytes */
struct person *person_find(const struct hub *h, const struct fp_id *user);
struct person *person_get(struct hub *h, const struct fp_id *user); /* NULL: no memory */
void person_touch(struct hub *h, struct person *p, bool stale);     /* he has changed; stale: in the store as well */
void person_forget(struct hub *h, struct person *p);                /* unless he is still needed */

void person_moved(struct hub *h, struct person *p, bool changed, bool was_there); /* presence_...() has changed his state, or not */
static inline bool person_there(const struct person *p)
{
    return p->presence.state > FP_PERSON_UNREACHABLE;
}

/* ---- people_remote.c */
struct fp_id person_via(const struct person *p); /* the trunk behind which he is out of reach */
void remote_run(struct hub *h);                  /* forgets what relays have said that are none of ours any more */
void remote_fini(struct hub *h);
/* The options of the relay; NULL: there is none of that name, or we are a site. */
const struct hub_relay *remote_relay(const struct hub *h, const struct fp_id *via);
/* Is what it says about somebody or something in this scope ours to hear? A site hears its hub out. */
bool remote_serves(const struct hub *h, const struct fp_id *via, const struct fp_id *scope);

/* ---- people_load.c */
enum fp_err person_row(struct hub *h, const struct fp_id *user, struct store_person *out); /* spans in the arena; the default where there is none */
enum fp_err people_settle(struct hub *h);                                                  /* reads what is stale, marks who sees it */
enum fp_err people_save(struct hub *h);                                                    /* last_seen */
bool person_shares(const struct person *a, const struct person *b);
struct fp_person person_at(const struct person *p, uint8_t level); /* as this level shows him */

/* ---- people_scope.c */
struct scope *scope_find(const struct hub *h, const struct fp_id *id);
struct scope *scope_get(struct hub *h, const struct fp_id *id);
void scope_touch(struct hub *h, struct scope *s);
bool scope_conv(struct scope *s, uint64_t cid); /* a conversation of it; false: no memory */
enum fp_err scopes_walk(struct hub *h);
enum fp_err scopes_run(struct hub *h);
uint64_t scopes_due_us(const struct hub *h);
void scopes_fini(struct hub *h);

/* ---- people_policy.c */
enum fp_err people_scope_level(struct hub *h, struct fp_bytes policy, const struct fp_id *scope, uint8_t *out_level); /* for all of its members */
bool people_is_dm(const struct fp_id *scope); /* everybody may be in it, so it is nobody's circle and has no digest */

/* ---- people_watch.c */
void viewer_touch(struct hub *h, struct viewer *v);
struct viewer *viewer_find(const struct hub *h, const struct fp_id *user);
void watch_end(struct hub *h, const struct fp_id *user, const struct fp_id *device);
void watch_expire(struct hub *h);
enum fp_err watch_rebuild(struct hub *h);
enum fp_err watch_run(struct hub *h);
uint64_t watch_due_us(const struct hub *h);
void watch_fini(struct hub *h);

#endif
