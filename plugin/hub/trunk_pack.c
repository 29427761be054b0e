#include "plugin/hub/trunk.h"

void trunk_tell_now(struct hub *h, enum fp_topic_kind kind, const struct fp_id *relay, struct fp_bytes frame)
{
    struct fp_topic topic = {.kind = kind, .a = *relay};
    tells_now(h, &topic, frame, 0, false);
}
