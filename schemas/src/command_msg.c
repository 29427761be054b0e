#include "fp/command.h"
#include "schemas/src/form.h"

/* attachment = {1 => sha256, 2 => uint, ? 3 => tstr, ? 4 => tstr} */
static void read_attachment(struct form *f)
{
    bool has_hash = false;
    bool has_size = false;
    size_t pairs = fp_dec_map(&f->dec);
    form_need(f, true, "attachments: one is not a map");
    for (; pairs > 0 && !f->dec.failed; pairs--) {
        switch (fp_dec_key(&f->dec)) {
        case FP_ATTACHMENT_SHA256:
            has_hash = fp_dec_bytes(&f->dec).len == 32;
            form_need(f, has_hash, "attachments: a hash is not 32 bytes");
            break;
        case FP_ATTACHMENT_SIZE:
            (void)fp_dec_uint(&f->dec);
            form_need(f, true, "attachments: a size is not a number");
            has_size = true;
            break;
        case FP_ATTACHMENT_MEDIA:
            (void)fp_dec_text(&f->dec);
            form_need(f, true, "attachments: a media type is not a text");
            break;
        case FP_ATTACHMENT_NAME:
            (void)fp_dec_text(&f->dec);
            form_need(f, true, "attachments: a name is not a text");
            break;
        default: /* a newer device's key */
            fp_dec_skip(&f->dec);
        }
    }
    form_need(f, has_hash && has_size, "attachments: one lacks its hash or its size");
}

static void read_attachments(struct form *f, struct fp_msg *out)
{
    size_t count = fp_dec_array(&f->dec);
    form_need(f, true, "attachments: not an array");
    out->attachment_count = count;
    for (; count > 0 && !f->dec.failed; count--) {
        read_attachment(f);
    }
}

/* Written so that a NaN is outside. */
static bool is_within(double v, double limit)
{
    return v >= -limit && v <= limit;
}

/* place = {1 => float / int, 2 => float / int, ? 3 => uint} */
static void read_place(struct form *f)
{
    bool has_latitude = false;
    bool has_longitude = false;
    size_t pairs = fp_dec_map(&f->dec);
    form_need(f, true, "place: not a map");
    for (; pairs > 0 && !f->dec.failed; pairs--) {
        switch (fp_dec_key(&f->dec)) {
        case FP_PLACE_LATITUDE:
            has_latitude = is_within(fp_dec_number(&f->dec), 90);
            form_need(f, has_latitude, "place: its latitude is not a number from -90 to 90");
            break;
        case FP_PLACE_LONGITUDE:
            has_longitude = is_within(fp_dec_number(&f->dec), 180);
            form_need(f, has_longitude, "place: its longitude is not a number from -180 to 180");
            break;
        case FP_PLACE_ACCURACY:
            (void)fp_dec_uint(&f->dec);
            form_need(f, true, "place: its accuracy is not a number");
            break;
        default: /* a newer device's key */
            fp_dec_skip(&f->dec);
        }
    }
    form_need(f, has_latitude && has_longitude, "place: needs a latitude and a longitude");
}

static void read_msg(struct form *f, uint64_t key, struct fp_msg *out, bool *has_place)
{
    switch (key) {
    case FP_MSG_TEXT:
        out->text = fp_dec_text(&f->dec);
        out->has_text = true;
        form_need(f, true, "text: not a text");
        break;
    case FP_MSG_MEDIA:
        (void)fp_dec_text(&f->dec);
        form_need(f, true, "media type: not a text");
        break;
    case FP_MSG_ATTACHMENTS:
        read_attachments(f, out);
        break;
    case FP_MSG_PLACE:
        read_place(f);
        *has_place = true;
        break;
    case FP_MSG_ZONE:
        (void)fp_dec_text(&f->dec);
        form_need(f, true, "zone: not a text");
        break;
    case FP_MSG_CONFIRM:
        out->must_confirm = fp_dec_bool(&f->dec);
        form_need(f, true, "must be confirmed: neither true nor false");
        break;
    default: /* a newer device's key */
        fp_dec_skip(&f->dec);
    }
}

/* msg-body = {? 1 => tstr, ? 2 => tstr, ? 3 => [* attachment], ? 4 => place, ? 5 => tstr, ? 6 => bool, * uint => any} */
enum fp_err fp_msg_decode(struct fp_bytes body, struct fp_msg *out, const char **out_why)
{
    *out = (struct fp_msg){0};
    bool has_place = false;
    struct form f;
    form_open(&f, body);
    size_t pairs = fp_dec_map(&f.dec);
    form_need(&f, true, "message: its body is missing or no map");
    for (; pairs > 0 && !f.dec.failed; pairs--) {
        read_msg(&f, fp_dec_key(&f.dec), out, &has_place);
    }
    form_need(&f, out->text.len > 0 || out->attachment_count > 0 || has_place, "message: needs a text, an attachment or a place");
    return form_close(&f, out_why);
}
