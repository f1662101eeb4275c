/* Records of pairs of items: for each item a row of records, dense or hashed, whichever takes less.
 *
 * A pair {a, b} of a symmetric table stands in the row of the larger number under the smaller one; an
 * ordered pair of a directed table in the row of its first.  A dense row is an array of records, one
 * for each smaller item.  A hashed row is a table of cells, a key and a record each, probed linearly.
 *
 * Blocks begin at multiples of 64 bytes, so the address of a row's block has room for a tag that tells
 * its kind and size: one word, which a reader always finds whole.  Records of a cell are aligned to 4. */
#ifndef SKL_INCREC_PAIRS_H
#define SKL_INCREC_PAIRS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

enum {
    PAIRS_TAG = 63,   /* the bits of the tag; 0 is a row without a block, 1..62 sizes of hashed rows */
    PAIRS_DENSE = 63,
    PAIRS_KEY = 4     /* bytes of a key, before the record in a cell */
};

typedef struct {
    uintptr_t *rows; /* per item: address of its block + tag */
    int32_t *used;   /* per item: cells in use, of a hashed row */
    ptrdiff_t n_rows;
    int32_t record;  /* bytes of a record, a multiple of 4 */
    int32_t directed;
} skl_pairs;

/* cells of a hashed row: 4, 6, 8, 12, 16, 24, ... */
SKL_INLINE uint32_t pairs_room(unsigned tag)
{
    return (uint32_t)(tag & 1 ? 4 : 6) << ((tag - 1) >> 1);
}

SKL_INLINE uint32_t pairs_slot(int32_t key, uint32_t room)
{
    return (uint32_t)((uint64_t)((uint32_t)key * UINT32_C(0x9E3779B1)) * room >> 32);
}

SKL_INLINE int32_t pairs_key(const char *cell)
{
    int32_t key;
    memcpy(&key, cell, sizeof key);
    return key;
}

/* how full a hashed row may become */
SKL_INLINE int pairs_is_full(uint32_t used, uint32_t room) { return 4 * (uint64_t)(used + 1) > 3 * (uint64_t)room; }

SKL_INLINE void pairs_place(const skl_pairs *p, int32_t a, int32_t b, int32_t *row, int32_t *key)
{
    const int turn = !p->directed && b > a;
    *row = turn ? b : a;
    *key = turn ? a : b;
}

/* the record of a pair, or NULL; of a dense row always a record, which is zero if there was none */
SKL_INLINE char *pairs_find(const skl_pairs *p, int32_t row, int32_t key)
{
    const uintptr_t word = p->rows[row];
    const unsigned tag = (unsigned)(word & PAIRS_TAG);
    char *block = (char *)(word - tag);
    if (tag == PAIRS_DENSE) return block + (ptrdiff_t)key * p->record;
    if (tag == 0) return NULL;
    const uint32_t room = pairs_room(tag);
    const ptrdiff_t cell = p->record + PAIRS_KEY;
    uint32_t slot = pairs_slot(key, room);
    for (uint32_t tried = 0; tried < room; tried++) {
        char *at = block + slot * cell;
        const int32_t found = pairs_key(at);
        if (found == key) return at + PAIRS_KEY;
        if (found < 0) return NULL;
        slot = slot + 1 == room ? 0 : slot + 1;
    }
    return NULL; /* only while another thread moves the row */
}

/* the record of a pair in the row of a, or else, in a directed table, in that of b; `row` says in which */
SKL_INLINE char *pairs_known(const skl_pairs *p, int32_t a, int32_t b, int32_t *row)
{
    int32_t key;
    pairs_place(p, a, b, row, &key);
    char *record = pairs_find(p, *row, key);
    if (record || !p->directed) return record;
    *row = b;
    return pairs_find(p, b, a);
}

SKL_INLINE void pairs_prefetch(const skl_pairs *p, int32_t row, int32_t key)
{
    const uintptr_t word = p->rows[row];
    const unsigned tag = (unsigned)(word & PAIRS_TAG);
    const char *block = (const char *)(word - tag);
    if (tag == PAIRS_DENSE) SKL_PREFETCH(block + (ptrdiff_t)key * p->record);
    else if (tag) SKL_PREFETCH(block + pairs_slot(key, pairs_room(tag)) * (ptrdiff_t)(p->record + PAIRS_KEY));
}

/* the record of a pair, made if there was none; NULL if the row has no room for it */
SKL_INLINE char *pairs_touch(skl_pairs *p, int32_t row, int32_t key)
{
    const uintptr_t word = p->rows[row];
    const unsigned tag = (unsigned)(word & PAIRS_TAG);
    char *block = (char *)(word - tag);
    if (tag == PAIRS_DENSE) return block + (ptrdiff_t)key * p->record;
    if (tag == 0) return NULL;
    const uint32_t room = pairs_room(tag);
    const ptrdiff_t cell = p->record + PAIRS_KEY;
    uint32_t slot = pairs_slot(key, room);
    for (;;) {
        char *at = block + slot * cell;
        const int32_t found = pairs_key(at);
        if (found == key) return at + PAIRS_KEY;
        if (found < 0) {
            if (pairs_is_full((uint32_t)p->used[row], room)) return NULL;
            memset(at + PAIRS_KEY, 0, (size_t)p->record);
            memcpy(at, &key, sizeof key);
            p->used[row]++;
            return at + PAIRS_KEY;
        }
        slot = slot + 1 == room ? 0 : slot + 1;
    }
}

/* a new block of a hashed row, without keys */
SKL_INLINE void pairs_clear(char *block, uint32_t room, int32_t record)
{
    const int32_t none = -1;
    for (uint32_t slot = 0; slot < room; slot++)
        memcpy(block + slot * (ptrdiff_t)(record + PAIRS_KEY), &none, sizeof none);
}

/* copy the cells of a hashed row to a block that is dense (tag PAIRS_DENSE, zeroed) or hashed (cleared) */
static inline void pairs_move(uintptr_t from, int32_t record, char *block, unsigned tag)
{
    const unsigned old = (unsigned)(from & PAIRS_TAG);
    const char *source = (const char *)(from - old);
    const ptrdiff_t cell = record + PAIRS_KEY;
    const uint32_t had = old ? pairs_room(old) : 0, room = tag == PAIRS_DENSE ? 0 : pairs_room(tag);
    for (uint32_t s = 0; s < had; s++) {
        const char *at = source + s * cell;
        const int32_t key = pairs_key(at);
        if (key < 0) continue;
        if (tag == PAIRS_DENSE) {
            memcpy(block + (ptrdiff_t)key * record, at + PAIRS_KEY, (size_t)record);
            continue;
        }
        uint32_t slot = pairs_slot(key, room);
        while (pairs_key(block + slot * cell) >= 0) slot = slot + 1 == room ? 0 : slot + 1;
        memcpy(block + slot * cell, at, (size_t)cell);
    }
}

/* Walk over the records of a row: `at` begins at 0; NULL at the end. */
SKL_INLINE char *pairs_next(const skl_pairs *p, int32_t row, ptrdiff_t *at, int32_t *key)
{
    const uintptr_t word = p->rows[row];
    const unsigned tag = (unsigned)(word & PAIRS_TAG);
    char *block = (char *)(word - tag);
    if (tag == 0) return NULL;
    if (tag == PAIRS_DENSE) {
        if (*at >= row) return NULL;
        *key = (int32_t)(*at)++;
        return block + (ptrdiff_t)*key * p->record;
    }
    const ptrdiff_t room = pairs_room(tag), cell = p->record + PAIRS_KEY;
    while (*at < room) {
        char *here = block + (*at)++ * cell;
        *key = pairs_key(here);
        if (*key >= 0) return here + PAIRS_KEY;
    }
    return NULL;
}
#endif
