/*
 * limits.h: every limit of the wire, with its reason. What a hub may lower or raise by an option is a default here.
 */
#ifndef FP_LIMITS_H
#define FP_LIMITS_H

#define FP_ID_MAX 36                 /* a platform UUID in text form fits as it is */
#define FP_CBOR_DEPTH_MAX 8          /* an event in a page in a reply is 4 deep; the rest is for bodies; bounds every stack */
#define FP_BODY_DEPTH_MAX 5          /* what is left of these 8 below page, array and event */
#define FP_TOPIC_MAX 192             /* the longest, .../blob/{sha256}, is 118 bytes */
#define FP_COMMAND_BYTES_MAX 16384   /* a long text with attachments' names; a device must hold it in RAM */
#define FP_BATCH_COMMANDS_MAX 64     /* one uplink: bounds what one publish can make the hub do */
#define FP_BATCH_BYTES_MAX 262144    /* the largest MQTT payload that a device may send */
#define FP_PAGE_BYTES_MAX 65536      /* a page has to fit the receive buffer of a tablet's MQTT client */
#define FP_PAGE_CREDIT_BYTES 1048576 /* pages sent for one request without a further "get": 16, below Mosquitto's 20 in flight */
#define FP_EVENTS_MAX 64             /* events in one array on .../event */
#define FP_EVENTS_BYTES_MAX 49152    /* and their bytes, so that one stored run always fits a page */
#define FP_EVENT_OVERHEAD_MAX 320    /* what the hub may add to a command: ids, seq, time, branch */
#define FP_TITLE_BYTES_MAX 200
#define FP_MEMBERS_MAX 1000       /* a conversation; its about then is 48 KiB */
#define FP_CONTEXT_BYTES_MAX 4096 /* the details of a conversation's context ride in every about */
#define FP_RATE_PER_S 200         /* commands a second a device, with a burst of FP_RATE_BURST_S seconds */
#define FP_ASKS_PER_S 100         /* hello, get and the like: each may cost a page */
#define FP_NOW_PER_S 20           /* typing, activity, watch: nobody's thumbs are faster */
#define FP_STATUS_BYTES_MAX 200   /* a status text: it rides in presence messages */
#define FP_REACT_BYTES_MAX 64     /* an emoji with its joiners and modifiers */
#define FP_WATCH_USERS_MAX 200    /* whom one viewer watches: what fits a screen, with room */
#define FP_WATCH_TTL_MAX 600      /* s; a lease that lives longer outlives the screen */
#define FP_TYPING_NAMES_MAX 3     /* who is named in a typing digest: "Ann, Bob, Carl and 5 more" */
#define FP_POLICY_RULES_MAX 64    /* exceptions of one user */
#define FP_RATE_BURST_S 5         /* a tablet that comes back with a queue is not a flood */
#define FP_ACKS_MAX 64            /* answers in one ack */
#define FP_CURSORS_MAX 1000       /* conversations in one hello; a command of 16 KiB holds about 400, a hub with longer commands more */
#define FP_ALIVE_MAX 3600         /* s; who means to be silent for longer is not watched for silence */
#define FP_REASON_BYTES_MAX 160   /* the sentence of a nack */
#define FP_PROTOCOL 1

#define FP_TRUNK_RECORDS_MAX 65536 /* the records of one batch of a trunk, inflated: the largest event fits, and so does the arena of a small site */

#endif
