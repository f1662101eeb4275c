/* Events of one key in order of time, and what a window over them holds.

   An event knows the place of the one before and the one after it with the same counterpart, so that the distinct
   counterparts between two places follow when either end moves by one: an event counts if no earlier one in the
   window has its counterpart. */
#ifndef SKL_EVENT_RING_H
#define SKL_EVENT_RING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SKL_LAST INT32_MAX      /* no later event has this counterpart */
#define SKL_MOST_WINDOWS 8

typedef struct {
    double time, y, total;      /* total: of y, up to and with this event */
    int32_t other, prev, next;  /* other: the counterpart, -1 unknown; it counts in no window then */
} SklEvent;

typedef struct {
    int32_t s, e, n;            /* places [s, e) hold n distinct counterparts */
} SklCursor;

typedef struct {
    SklEvent *ev;
    double before;              /* total before the first event */
    int32_t room, start, end;   /* events are at [start, end) */
    int32_t lag;                /* events of the log that the cap has pushed out */
    SklCursor cursor[SKL_MOST_WINDOWS];
} SklRing;

/* the first place whose time is not below t */
static inline int32_t skl_ring_place(const SklRing *r, double t)
{
    int32_t low = r->start, high = r->end, mid;
    if (low == high || r->ev[high - 1].time < t) return high;
    if (r->ev[low].time >= t) return low;
    while (low < high) {
        mid = low + (high - low) / 2;
        if (r->ev[mid].time < t) low = mid + 1;
        else high = mid;
    }
    return low;
}

static inline double skl_ring_sum(const SklRing *r, int32_t a, int32_t b)
{
    if (a >= b) return 0.0;
    return r->ev[b - 1].total - (a > r->start ? r->ev[a - 1].total : r->before);
}

static inline void skl_ring_first_out(const SklRing *r, SklCursor *c)
{
    const SklEvent *ev = r->ev + c->s;
    if (ev->other >= 0 && ev->next >= c->e) c->n--;
    c->s++;
}

/* distinct counterparts in [a, b); walks from where the cursor is, or starts anew where that is nearer */
static inline int32_t skl_ring_distinct(const SklRing *r, SklCursor *c, int32_t a, int32_t b)
{
    const SklEvent *ev = r->ev;
    int64_t far = (c->s > a ? (int64_t)c->s - a : (int64_t)a - c->s)
                  + (c->e > b ? (int64_t)c->e - b : (int64_t)b - c->e);
    if (far > (int64_t)b - a) c->s = c->e = a, c->n = 0;
    while (c->s > a) {
        c->s--;
        if (ev[c->s].other >= 0 && ev[c->s].next >= c->e) c->n++;
    }
    while (c->e < b) {
        if (ev[c->e].other >= 0 && ev[c->e].prev < c->s) c->n++;
        c->e++;
    }
    while (c->e > b) {
        c->e--;
        if (ev[c->e].other >= 0 && ev[c->e].prev < c->s) c->n--;
    }
    while (c->s < a) skl_ring_first_out(r, c);
    return c->n;
}

/* let the oldest event go; the caller has taken its counterpart out of the table if it was the last with it */
static inline void skl_ring_pop(SklRing *r)
{
    int w;
    for (w = 0; w < SKL_MOST_WINDOWS; w++) {
        SklCursor *c = r->cursor + w;
        if (c->s > r->start) continue;
        if (c->e > c->s) skl_ring_first_out(r, c);
        else c->s = c->e = r->start + 1, c->n = 0;
    }
    r->before = r->ev[r->start].total;
    r->start++;
}

/* move the events to the front of their block */
static inline void skl_ring_compact(SklRing *r)
{
    int32_t j, by = r->start;
    int w;
    memmove(r->ev, r->ev + by, (size_t)(r->end - by) * sizeof(SklEvent));
    r->start = 0;
    r->end -= by;
    for (j = 0; j < r->end; j++) {
        r->ev[j].prev = r->ev[j].prev >= by ? r->ev[j].prev - by : -1;
        if (r->ev[j].next != SKL_LAST) r->ev[j].next -= by;
    }
    for (w = 0; w < SKL_MOST_WINDOWS; w++) {
        r->cursor[w].s -= by;
        r->cursor[w].e -= by;
    }
}

/* room at a place, for an event that came late: what is newer moves up; the links are made anew by the caller */
static inline void skl_ring_insert(SklRing *r, int32_t at, double time, double y, int32_t other)
{
    int32_t j;
    memmove(r->ev + at + 1, r->ev + at, (size_t)(r->end - at) * sizeof(SklEvent));
    r->end++;
    r->ev[at].time = time;
    r->ev[at].y = y;
    r->ev[at].other = other;
    for (j = at; j < r->end; j++)
        r->ev[j].total = (j > r->start ? r->ev[j - 1].total : r->before) + r->ev[j].y;
}

#endif
