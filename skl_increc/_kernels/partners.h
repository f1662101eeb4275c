/* Rows of at most so many partners: what an item keeps when it meets more items than it has room for.
 *
 * The table is directed: the row of an item holds its own partners, whatever their rows hold.  A row that
 * is full drops a part of its partners at once, those with the fewest users, so that a newcomer has some
 * time to gather its own.  Who has as few users as the last to go goes too: what is dropped follows from
 * the events alone, not from where the cells lie. */
#ifndef SKL_INCREC_PARTNERS_H
#define SKL_INCREC_PARTNERS_H
#include "moments.h"

enum {
    PARTNERS_PART = 4, /* one in so many goes when a row is full */
    PARTNERS_FEW = 128 /* users; most who go have fewer */
};

typedef struct {
    ptrdiff_t most; /* partners that an item keeps; 0: all, in a symmetric table */
    int64_t *users; /* room for a number per cell of a row of so many */
} skl_bound;

/* the k-th smallest of n numbers, k from 0; their order is lost */
static inline int64_t kth_smallest(int64_t *x, ptrdiff_t n, ptrdiff_t k)
{
    ptrdiff_t low = 0, high = n - 1;
    while (low < high) {
        const int64_t pivot = x[low + (high - low) / 2];
        ptrdiff_t a = low, b = high;
        while (a <= b) {
            while (x[a] < pivot) a++;
            while (x[b] > pivot) b--;
            if (a <= b) {
                const int64_t t = x[a];
                x[a++] = x[b];
                x[b--] = t;
            }
        }
        if (k <= b) high = b;
        else if (k >= a) low = a;
        else break;
    }
    return x[k];
}

/* Drop the partners of a hashed row that have at most so many users. */
static inline void partners_drop(skl_moments *m, int32_t row, int64_t most)
{
    const uintptr_t word = m->table.rows[row];
    const unsigned tag = (unsigned)(word & PAIRS_TAG);
    const uint32_t room = pairs_room(tag);
    const ptrdiff_t cell = m->table.record + PAIRS_KEY;
    const int32_t none = -1;
    char *block = (char *)(word - tag), moved[64];
    uint32_t first = 0;
    while (pairs_key(block + first * cell) >= 0) first++;
    /* from a free cell on, a cell can only move back, to a place that has been passed */
    for (uint32_t t = 1; t < room; t++) {
        char *at = block + (first + t < room ? first + t : first + t - room) * cell;
        const int32_t key = pairs_key(at);
        if (key < 0) continue;
        if (moments_count(m, at + PAIRS_KEY) <= most) {
            if (!m->slopes && record_is_wide(at + PAIRS_KEY)) wide_give(m, wide_number(at + PAIRS_KEY));
            memcpy(at, &none, sizeof none);
            m->table.used[row]--;
            continue;
        }
        uint32_t slot = pairs_slot(key, room);
        if (block + slot * cell == at) continue;
        memcpy(moved, at, (size_t)cell);
        memcpy(at, &none, sizeof none);
        while (pairs_key(block + slot * cell) >= 0) slot = slot + 1 == room ? 0 : slot + 1;
        memcpy(block + slot * cell, moved, (size_t)cell);
    }
}

/* How many users the k-th smallest of a row's partners has, k from 0. */
static inline int64_t partners_level(const skl_moments *m, const skl_bound *bound, int32_t row, ptrdiff_t k)
{
    const uintptr_t word = m->table.rows[row];
    const unsigned tag = (unsigned)(word & PAIRS_TAG);
    const uint32_t room = pairs_room(tag);
    const ptrdiff_t cell = m->table.record + PAIRS_KEY;
    const char *block = (const char *)(word - tag);
    int32_t having[PARTNERS_FEW] = {0};
    ptrdiff_t n = 0, below = 0;
    for (uint32_t slot = 0; slot < room; slot++) { /* which cells are free cannot be foreseen: no branch */
        bound->users[n] = moments_count(m, block + slot * cell + PAIRS_KEY);
        n += pairs_key(block + slot * cell) >= 0;
    }
    for (ptrdiff_t j = 0; j < n; j++) having[bound->users[j] < PARTNERS_FEW ? bound->users[j] : PARTNERS_FEW - 1]++;
    for (int few = 0; few < PARTNERS_FEW - 1; few++) {
        below += having[few];
        if (below > k) return few;
    }
    return kth_smallest(bound->users, n, k);
}

/* Make room in a full row: a part of its partners goes, and those with as few users. */
static inline void partners_yield(skl_moments *m, const skl_bound *bound, int32_t row)
{
    partners_drop(m, row, partners_level(m, bound, row, (m->table.used[row] - 1) / PARTNERS_PART));
}

/* A user's ratings of an item and of a partner join the row of the item, which has room for `most`. */
static inline void partners_join(skl_moments *m, const skl_bound *bound, int32_t row, skl_value x, int32_t key,
                                 skl_value y)
{
    char *record = pairs_find(&m->table, row, key);
    if (!record) {
        if (m->table.used[row] >= bound->most) partners_yield(m, bound, row);
        record = pairs_touch(&m->table, row, key);
        if (!record) return; /* never: the room was made before */
    }
    moments_join(m, record, x, y, 1);
}

/* A rating x of item i meets those of n other items of its user, in both rows. */
static inline void partners_meet(skl_moments *m, const skl_bound *bound, const int32_t *items,
                                 const skl_value *values, ptrdiff_t n, int32_t i, skl_value x)
{
    for (ptrdiff_t j = 0; j < n; j++) {
        if (j + 8 < n) {
            pairs_prefetch(&m->table, i, items[j + 8]);
            pairs_prefetch(&m->table, items[j + 8], i);
        }
        if (items[j] == i) continue;
        partners_join(m, bound, i, x, items[j], values[j]);
        partners_join(m, bound, items[j], values[j], i, x);
    }
}
#endif
