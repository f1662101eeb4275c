/* Past events to learn again: a bounded sample in which every event so far is as likely as every other
 * (reservoir sampling; Vitter 1985), drawn from by numbers that depend on the seed and a count alone. */
#ifndef SKL_INCREC_REPLAY_H
#define SKL_INCREC_REPLAY_H
#include <stddef.h>
#include <stdint.h>
#include "hash.h"

/* kept as floating-point numbers, because that is what the scalars of a state are */
typedef struct { double seen, filled, ticks; } skl_replay_counts;
typedef struct { double u, i, y, w; } skl_replay_event;

/* a number below `n`, a function of the seed, the count and the side of the use */
SKL_INLINE size_t skl_replay_draw(uint64_t seed, double tick, uint64_t use, double n)
{
    const uint64_t word = skl_mix(skl_mix(seed ^ UINT64_C(0x5EED0FA11BA5E5)) + (uint64_t)tick);
    return (size_t)(skl_mix(word + use) % (uint64_t)n);
}

/* An event comes: it is kept for certain while there is room for all so far, else by chance. */
SKL_INLINE void skl_replay_keep(skl_replay_counts *c, skl_replay_event *kept, size_t room, uint64_t seed,
                                skl_replay_event event)
{
    c->seen += 1.0;
    const size_t at = skl_replay_draw(seed, c->ticks, ~UINT64_C(0), c->seen);
    if (c->seen > (double)room && at >= room) return;
    if (c->filled < (double)room) kept[(size_t)c->filled++] = event;
    else kept[at] = event;
}

/* Events of a dropped row go.  What is left is still a fair sample, of fewer events: `seen` shrinks alike. */
SKL_INLINE void skl_replay_drop(skl_replay_counts *c, skl_replay_event *kept, int side, const char *gone)
{
    size_t left = 0, n = (size_t)c->filled;
    const skl_replay_event none = {0.0, 0.0, 0.0, 0.0};
    for (size_t j = 0; j < n; j++)
        if (!gone[(size_t)(side == 0 ? kept[j].u : kept[j].i)]) kept[left++] = kept[j];
    for (size_t j = left; j < n; j++) kept[j] = none;
    if (n) c->seen = (double)(uint64_t)(c->seen * (double)left / (double)n + 0.5);
    if (c->seen < (double)left) c->seen = (double)left;
    c->filled = (double)left;
}
#endif
