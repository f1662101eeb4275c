# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Learners of item neighbours: biases, and exact statistics of the ratings of two items."""
from libc.math cimport NAN, fabs, isnan, rint
from libc.stdint cimport int32_t, int64_t, uintptr_t

import numpy as np

from skl_increc._kernels._baselines cimport BaselineLearner
from skl_increc._kernels._learner cimport ItemPairs

cdef extern from "similar.h" nogil:
    enum: SCALE_NONE, NARROW_BITS, NARROW_MOST
    ctypedef struct skl_pairs:
        int32_t *used
        Py_ssize_t n_rows
    ctypedef struct skl_scale:
        int32_t unit, narrow, top
    ctypedef struct skl_wide:
        pass
    ctypedef struct skl_moments:
        skl_pairs table
        skl_scale scale
        int32_t fine, slopes
    ctypedef struct skl_value:
        int64_t X
        int32_t narrow
    ctypedef struct skl_bound:
        Py_ssize_t most
        int64_t *users
    ctypedef struct skl_likeness:
        int kind
        double shrinkage
    bint scale_meet(skl_scale *s, double y)
    double scale_factor(const skl_scale *s)
    int scale_shift(const skl_scale *s)
    skl_value scale_value(double factor, int shift, double y)
    skl_value moments_value(const skl_moments *m, double y)
    void pairs_place(const skl_pairs *p, int32_t a, int32_t b, int32_t *row, int32_t *key)
    char *pairs_find(const skl_pairs *p, int32_t row, int32_t key)
    char *pairs_touch(skl_pairs *p, int32_t row, int32_t key)
    char *pairs_known(const skl_pairs *p, int32_t a, int32_t b, int32_t *row)
    void pairs_prefetch(const skl_pairs *p, int32_t row, int32_t key)
    bint record_is_wide(const char *record)
    int64_t moments_count(const skl_moments *m, const char *record)
    int64_t slope_sum(const char *record)
    void moments_meet(skl_moments *m, const int32_t *items, const skl_value *values, Py_ssize_t n, int32_t i,
                      const skl_value *old, skl_value x)
    void moments_note(skl_moments *m, skl_value x)
    void partners_meet(skl_moments *m, const skl_bound *bound, const int32_t *items, const skl_value *values,
                       Py_ssize_t n, int32_t i, skl_value x)
    void moments_list(skl_moments *m, const int32_t *items, const skl_value *values, Py_ssize_t n, int sign)
    void moments_zero(skl_moments *m)
    void moments_move(skl_moments *m, const skl_scale *to)
    void likeness_set(skl_likeness *s, const skl_moments *m, double mean)
    double likeness(const skl_moments *m, const char *record, const skl_likeness *s)
    double kth_largest(double *x, Py_ssize_t n, Py_ssize_t k)
    double exact_unit(double largest, Py_ssize_t n)
    skl_wide wide_zero()
    skl_wide wide_plus(skl_wide a, skl_wide b)
    skl_wide wide_product(int64_t a, int64_t b)
    double wide_double(skl_wide a)

cdef enum:
    AHEAD = 12           # records whose lines are on their way
    WEIGHT = 1           # columns of the (user, item) pairs
    SUM = 2
    INEXACT = 1          # a scalar


cdef inline Py_ssize_t bring(int32_t *x, Py_ssize_t n, Py_ssize_t at, int32_t last,
                             Py_ssize_t window) noexcept nogil:
    """`last` to the end, from `at` or (-1) new, for which the first falls out of a full list; how many."""
    cdef Py_ssize_t j, first = at
    if at < 0:
        if n < window:
            x[n] = last
            return n + 1
        first = 0
    for j in range(first, n - 1):
        x[j] = x[j + 1]
    x[n - 1] = last
    return n


cdef inline void bring_number(double *x, Py_ssize_t n, Py_ssize_t at, double last,
                              Py_ssize_t window) noexcept nogil:
    """The same for a column of the list."""
    cdef Py_ssize_t j, first = max(at, 0)
    if at < 0 and n < window:
        x[n] = last
        return
    for j in range(first, n - 1):
        x[j] = x[j + 1]
    x[n - 1] = last


cdef struct Listed:
    # the items of a user and what is known of them
    const int32_t *items
    const double *weights
    const double *sums
    Py_ssize_t n


cdef class PairLearner(BaselineLearner):
    """Biases as in BaselineLearner, and records of pairs of items that follow the means of ratings.

    A user's rating of an item is the mean of all that the user gave it.  Events of one call are taken
    together: what counts is the mean before and the mean after, so any order gives the same sums.
    """
    cdef ItemPairs item_pairs
    cdef skl_moments *m
    cdef skl_scale plan                   # the scale after the events to come
    cdef object owners
    cdef Py_ssize_t n_pending
    cdef int32_t *users                   # pairs that the events touch, by user
    cdef int32_t *touched
    cdef double *old                      # their means before; NaN: none
    cdef int32_t *place                   # per item: which of the touched pairs of one user, or -1
    cdef int32_t *active_items            # one user's list as it becomes
    cdef skl_value *active
    cdef skl_value *new                   # the new values of one user's touched pairs
    cdef Py_ssize_t list_room, item_room, ask_room
    cdef Py_ssize_t window                # 0: all items of a user; else the last so many are paired
    cdef skl_bound bound                  # of the partners of an item
    cdef object bound_owner
    cdef bint ordered                     # with a window or a bound events are taken one by one
    cdef int32_t *group                   # then, per event: whose list it meets, or -1
    cdef Py_ssize_t *begin_at             # per list: where it begins
    cdef Py_ssize_t *length
    cdef int32_t *items                   # the lists as they are before the events to come
    cdef double *weights
    cdef double *sums
    cdef skl_value *values                # of one list
    cdef int32_t *ahead                   # the lists again, to run ahead
    cdef Py_ssize_t *ahead_length
    cdef object window_owners
    cdef Py_ssize_t event_room, group_room, cell_room
    cdef double *ask                      # for answers: four numbers an item of a list
    cdef object ask_owner

    def __cinit__(self):
        self.list_room = self.item_room = self.ask_room = 0
        self.event_room = self.group_room = self.cell_room = self.window = 0

    def attach_pairs(self, pairs):
        BaselineLearner.attach_pairs(self, pairs)
        self.window = 0 if pairs is None else pairs.window
        self.ordered = self.window > 0 or self.bound.most > 0

    def attach_stores(self, dict stores):
        cdef uintptr_t at
        self.item_pairs = stores["item_pairs"]
        self.m = <skl_moments *>self.item_pairs.moments
        most = stores["item_pairs"].most
        if most != self.bound.most:
            owner = np.empty(2 * most + 16, np.int64)
            at = owner.ctypes.data
            self.bound.users = <int64_t *>at
            self.bound_owner, self.bound.most, self.ordered = owner, most, True
        if self.ask_room == 0:
            self.make_ask_room(max(16, self.longest()))

    # -- room -----------------------------------------------------------------------------------
    cdef int make_ask_room(self, Py_ssize_t n) except -1:
        cdef uintptr_t at
        if n > self.ask_room:
            room = max(2 * self.ask_room, n)
            owner = np.empty(4 * room)
            at = owner.ctypes.data
            self.ask, self.ask_owner, self.ask_room = <double *>at, owner, room
        return 0

    cdef int make_scratch(self, Py_ssize_t n, Py_ssize_t pairs) except -1:
        """Scratch for lists of n items and for so many touched pairs."""
        cdef uintptr_t at[7]
        cdef Py_ssize_t j
        self.make_ask_room(n)
        if n <= self.list_room and pairs <= self.list_room and self.iw.shape[0] <= self.item_room:
            return 0
        room = max(2 * self.list_room, n, pairs, 16)
        items = self.iw.shape[0]
        owners = [np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room),
                  np.full(items, -1, np.int32), np.empty(room, np.int32),
                  np.empty(2 * room), np.empty(2 * room)]
        for j in range(7):
            at[j] = owners[j].ctypes.data
        self.users, self.touched, self.old = <int32_t *>at[0], <int32_t *>at[1], <double *>at[2]
        self.place, self.active_items = <int32_t *>at[3], <int32_t *>at[4]
        self.active, self.new = <skl_value *>at[5], <skl_value *>at[6]
        self.owners, self.list_room, self.item_room = owners, room, items
        return 0

    cdef int touch(self, int32_t a, int32_t b) except -1:
        """See to it that there is a record of two items."""
        cdef int32_t row, key
        pairs_place(&self.m.table, a, b, &row, &key)
        if pairs_touch(&self.m.table, row, key) == NULL:
            self.item_pairs.grow(row)
            pairs_touch(&self.m.table, row, key)
        return 0

    cdef int touch_list(self, int32_t i, const int32_t *items, Py_ssize_t n) except -1:
        cdef Py_ssize_t j
        cdef int32_t row, key
        for j in range(n):
            if j + AHEAD < n:
                pairs_place(&self.m.table, i, items[j + AHEAD], &row, &key)
                pairs_prefetch(&self.m.table, row, key)
            if items[j] != i:
                self.touch(i, items[j])
        return 0

    cdef bint coarse(self) noexcept nogil:
        """Whether all values, those to come included, are narrow."""
        return self.m.fine >= self.plan.narrow and self.plan.top - self.plan.narrow <= NARROW_BITS

    cdef bint may_widen(self, double y) noexcept nogil:
        """Whether a rating is more than a record can count in narrow units."""
        cdef double steps
        if self.plan.unit == SCALE_NONE:
            return False
        steps = y * scale_factor(&self.plan) * 2.0 ** (self.plan.unit - self.plan.narrow)
        return fabs(steps) > 127 or steps != rint(steps)

    cdef double most_users(self) noexcept nogil:
        """A record of so many users is narrow whatever they rate."""
        if self.plan.unit == SCALE_NONE:
            return 0
        return NARROW_MOST / 4.0 ** min(7, self.plan.top - self.plan.narrow)

    cdef Listed listed(self, Py_ssize_t u) noexcept nogil:
        cdef Listed out
        out.n = 0
        out.items = NULL
        out.weights = out.sums = NULL
        if u >= 0:
            out.n = self.pairs.pairs_of(u, WEIGHT, &out.items, &out.weights)
            self.pairs.pairs_of(u, SUM, &out.items, &out.sums)
        return out

    cdef Py_ssize_t longest(self) noexcept nogil:
        """Items of the user who has most."""
        cdef Py_ssize_t u, most = 0
        for u in range(self.uw.shape[0]):
            most = max(most, self.listed(u).n)
        return most

    cdef bint moves(self) noexcept nogil:
        return self.plan.unit != self.m.scale.unit or self.plan.narrow != self.m.scale.narrow

    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Records, wide sums and scratch for these events; and the means that they will change."""
        self.n_pending = 0
        if self.ordered:
            return self.foresee(u, i, y, n)
        if n == 1:
            return self.begin(u[0], i[0], y[0]) if u[0] >= 0 and i[0] >= 0 else 0
        self.expect(np.asarray(<int32_t[:n]><int32_t *>u), np.asarray(<int32_t[:n]><int32_t *>i),
                    np.asarray(<double[:n]><double *>y))
        return 0

    cdef int begin(self, Py_ssize_t u, Py_ssize_t i, double y) except -1:
        cdef Listed had = self.listed(u)
        cdef Py_ssize_t j
        cdef bint wide
        self.plan = self.m.scale
        scale_meet(&self.plan, y)
        # other units may mean that the lists of all users are read again
        self.make_scratch(1 + (self.longest() if self.moves() else had.n), 1)
        self.old[0] = NAN
        for j in range(had.n):
            if had.items[j] == i:
                self.old[0] = had.sums[j] / had.weights[j]
        if isnan(self.old[0]):
            self.touch_list(<int32_t>i, had.items, had.n)
        if self.moves():
            self.item_pairs.reserve_wide(self.records())
        elif had.n:
            wide = not isnan(self.old[0]) or not self.coarse() or self.may_widen(y)
            if wide or self.ie[i, 0] + 1 >= self.most_users():
                self.item_pairs.reserve_wide(2 * had.n)
        self.users[0], self.touched[0] = <int32_t>u, <int32_t>i
        self.n_pending = 1
        return 0

    cdef Py_ssize_t records(self):
        return self.item_pairs.block_bytes // 12

    cdef int expect(self, u, i, y) except -1:
        known = np.flatnonzero((u >= 0) & (i >= 0))
        pairs = np.unique(u[known].astype(np.int64) << 32 | i[known])
        who, first = np.unique(pairs >> 32, return_index=True)
        coming = np.diff(np.append(first, len(pairs)))
        longest = max((self.pairs.length(w) + c for w, c in zip(who.tolist(), coming.tolist())), default=0)
        widest = self.plan_scale(y[known])
        self.make_scratch(max(longest, self.longest() if self.moves() else 0), len(pairs))
        repeats = len(pairs) < len(known)
        met = self.touch_all((pairs >> 32).astype(np.int32), pairs.astype(np.int32), first.astype(np.int64))
        coming = np.bincount(i[known], minlength=self.ie.shape[0])
        popular = np.asarray(self.ie)[:, 0] + coming[:self.ie.shape[0]]
        n = int((popular >= self.most_users()).sum())
        if self.moves() or not self.coarse() or widest or repeats or met[1]:
            n = self.records()
        self.item_pairs.reserve_wide(min(n * (n - 1) // 2, self.records(), 2 * met[0]) if not self.moves()
                                     else self.records())
        self.n_pending = len(pairs)
        return 0

    cdef bint plan_scale(self, y):
        cdef const double[::1] ys = np.ascontiguousarray(y)
        cdef Py_ssize_t j
        cdef bint widest = False
        self.plan = self.m.scale
        for j in range(ys.shape[0]):
            scale_meet(&self.plan, ys[j])
            widest |= self.may_widen(ys[j])
        return widest

    cdef object touch_all(self, const int32_t[::1] users, const int32_t[::1] items, const int64_t[::1] first):
        """Make the records of all pairs to come; how many they are at most, and whether ratings repeat."""
        cdef Py_ssize_t g, a, b, p, j, met = 0
        cdef Listed had
        cdef bint repeats = False
        for g in range(first.shape[0]):
            a = first[g]
            b = first[g + 1] if g + 1 < first.shape[0] else users.shape[0]
            had = self.listed(users[a])
            for p in range(a, b):
                self.users[p], self.touched[p], self.old[p] = users[p], items[p], NAN
                self.place[items[p]] = <int32_t>p
            for j in range(had.n):
                if self.place[had.items[j]] >= 0:
                    self.old[self.place[had.items[j]]] = had.sums[j] / had.weights[j]
                    repeats = True
            for p in range(a, b):
                self.place[items[p]] = -1
            for p in range(a, b):
                met += had.n + p - a
                if isnan(self.old[p]):
                    self.touch_list(items[p], had.items, had.n)
                    self.touch_list(items[p], &items[a], p - a)
        return met, repeats

    # -- learning -------------------------------------------------------------------------------
    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t a = 0, b
        BaselineLearner.learn(self, u, i, y, w, t, n)
        if self.ordered:
            for a in range(self.n_pending):
                if self.group[a] >= 0:
                    self.meet_window(self.group[a], i[a], y[a], w[a])
            self.n_pending = 0
            return
        if self.n_pending and self.settle():
            self.n_pending = 0
        while a < self.n_pending:
            b = a
            while b < self.n_pending and self.users[b] == self.users[a]:
                b += 1
            self.meet(a, b)
            a = b
        self.n_pending = 0

    cdef bint settle(self) noexcept nogil:
        """Move to the planned scale; whether this took all ratings anew, those just recorded included."""
        if not self.moves():
            self.m.scale = self.plan
            return False
        if self.m.scale.unit == SCALE_NONE or self.m.fine >= self.plan.unit:
            moments_move(self.m, &self.plan)
            return False
        self.rebuild(&self.plan)
        return True

    cdef void rebuild(self, const skl_scale *scale) noexcept nogil:
        """All sums anew from the ratings of all users; their records exist."""
        cdef Py_ssize_t u, j
        cdef Listed had
        moments_zero(self.m)
        self.m.scale = scale[0]
        for u in range(self.uw.shape[0]):
            had = self.listed(u)
            for j in range(had.n):
                self.active[j] = moments_value(self.m, had.sums[j] / had.weights[j])
            moments_list(self.m, had.items, self.active, had.n, 1)

    cdef void meet(self, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
        """The touched pairs a..b of one user: every other item of the user meets the new mean."""
        cdef Listed now = self.listed(self.users[a])
        cdef Py_ssize_t p, j, m = 0
        cdef skl_value v, old
        cdef double factor = scale_factor(&self.m.scale)
        cdef int shift = scale_shift(&self.m.scale)
        for p in range(a, b):
            self.place[self.touched[p]] = <int32_t>(p - a)
        for j in range(now.n):
            v = scale_value(factor, shift, now.sums[j] / now.weights[j])
            p = self.place[now.items[j]]
            if p >= 0:
                self.new[p] = v
                if isnan(self.old[a + p]):
                    continue
                v = moments_value(self.m, self.old[a + p])
            self.active_items[m] = now.items[j]
            self.active[m] = v
            m += 1
        for p in range(a, b):
            if isnan(self.old[p]):
                moments_meet(self.m, self.active_items, self.active, m, self.touched[p], NULL,
                             self.new[p - a])
                self.active_items[m] = self.touched[p]
                self.active[m] = self.new[p - a]
                m += 1
                continue
            old = moments_value(self.m, self.old[p])
            moments_meet(self.m, self.active_items, self.active, m, self.touched[p], &old, self.new[p - a])
            for j in range(m):
                if self.active_items[j] == self.touched[p]:
                    self.active[j] = self.new[p - a]
        for p in range(a, b):
            self.place[self.touched[p]] = -1

    # -- a window of each user, or a bound of each item ------------------------------------------
    cdef int make_windows(self, Py_ssize_t events, Py_ssize_t groups, Py_ssize_t cells) except -1:
        cdef uintptr_t at[9]
        cdef Py_ssize_t j
        if events <= self.event_room and groups <= self.group_room and cells <= self.cell_room:
            return 0
        e, g = max(self.event_room, events, 16), max(self.group_room, groups, 16)
        c = max(self.cell_room, 2 * cells if groups == 1 else cells, 64)
        owners = [np.empty(e, np.int32), np.empty(g, np.intp), np.empty(g, np.intp), np.empty(c, np.int32),
                  np.empty(c), np.empty(c), np.empty(2 * c), np.empty(c, np.int32), np.empty(g, np.intp)]
        for j in range(9):
            at[j] = owners[j].ctypes.data
        self.group, self.begin_at, self.length = <int32_t *>at[0], <Py_ssize_t *>at[1], <Py_ssize_t *>at[2]
        self.items, self.weights, self.sums = <int32_t *>at[3], <double *>at[4], <double *>at[5]
        self.values, self.ahead, self.ahead_length = <skl_value *>at[6], <int32_t *>at[7], <Py_ssize_t *>at[8]
        self.window_owners, self.event_room, self.group_room, self.cell_room = owners, e, g, c
        return 0

    cdef int foresee(self, const int32_t *u, const int32_t *i, const double *y, Py_ssize_t n) except -1:
        """Copy the lists that the events will meet; room for the records and wide sums on their way."""
        cdef Py_ssize_t j, g, most = 0, wide
        cdef const int32_t[::1] who, inverse
        cdef const int64_t[::1] coming
        cdef bint widens = False
        cdef Py_ssize_t at = 0
        self.plan = self.m.scale
        if n == 1:
            if u[0] < 0 or i[0] < 0:
                return 0
            most = self.longest_after(self.listed(u[0]).n)
            self.make_windows(1, 1, most)
            self.group[0] = 0
            self.copy_list(0, 0, u[0])
            scale_meet(&self.plan, y[0])
            widens = self.may_widen(y[0])
        else:
            us, known = np.asarray(<int32_t[:n]><int32_t *>u), np.asarray(<int32_t[:n]><int32_t *>i) >= 0
            known &= us >= 0
            users, place = np.unique(us[known], return_inverse=True)
            where = np.full(n, -1, np.int32)
            where[known] = place
            who, inverse, coming = users, where, np.bincount(place, minlength=len(users)).astype(np.int64)
            for g in range(who.shape[0]):
                at += self.longest_after(self.listed(who[g]).n + coming[g])
            self.make_windows(n, who.shape[0], at)
            at = 0
            for g in range(who.shape[0]):
                self.copy_list(g, at, who[g])
                most = max(most, self.longest_after(self.listed(who[g]).n + coming[g]))
                at += self.longest_after(self.listed(who[g]).n + coming[g])
            for j in range(n):
                self.group[j] = inverse[j]
                if inverse[j] >= 0:
                    scale_meet(&self.plan, y[j])
                    widens |= self.may_widen(y[j])
        self.make_ask_room(most)
        wide = self.run_ahead(i, n, widens)
        self.item_pairs.reserve_wide(self.records() if self.moves() else min(wide, self.records()))
        self.n_pending = n
        return 0

    cdef Py_ssize_t longest_after(self, Py_ssize_t n) noexcept nogil:
        """Room for a list that would have n items without a window."""
        return 1 + (min(n, self.window) if self.window else n)

    cdef void copy_list(self, Py_ssize_t g, Py_ssize_t at, Py_ssize_t u) noexcept nogil:
        cdef Listed had = self.listed(u)
        cdef Py_ssize_t j
        self.begin_at[g], self.length[g], self.ahead_length[g] = at, had.n, had.n
        for j in range(had.n):
            self.items[at + j] = self.ahead[at + j] = had.items[j]
            self.weights[at + j], self.sums[at + j] = had.weights[j], had.sums[j]

    cdef Py_ssize_t run_ahead(self, const int32_t *i, Py_ssize_t n, bint widens) except -1:
        """Make the records of all pairs to come, or room for them; how many may need wide sums by then."""
        cdef Py_ssize_t j, k, at, had, near = 0, narrow = 0, more
        cdef int32_t row, key
        cdef int32_t *list_
        cdef double limit = self.most_users(), users
        cdef bint coarse = self.coarse()
        cdef const int64_t[::1] coming
        cdef int64_t[::1] fresh                      # per item: partners to come
        if n > 1:
            coming = np.bincount(np.maximum(np.asarray(<int32_t[:n]><int32_t *>i), 0),
                                 minlength=self.ie.shape[0]).astype(np.int64)
            if self.bound.most:
                fresh = np.zeros(self.m.table.n_rows, np.int64)
        for j in range(n):
            if self.group[j] < 0:
                continue
            list_, had = self.ahead + self.begin_at[self.group[j]], self.ahead_length[self.group[j]]
            at = -1
            for k in range(had):
                if list_[k] == i[j]:
                    at = k
            if not self.bound.most:
                self.touch_list(i[j], list_, had)
            elif at < 0:
                self.look_at_rows(i[j], list_, had, fresh if n > 1 else None)
            widens |= at >= 0                       # means of ratings may be no whole steps
            for k in range(had if not self.m.slopes else 0):
                if list_[k] == i[j]:
                    continue
                users = min(self.ie[i[j], 0], self.ie[list_[k], 0])
                more = coming[i[j]] + coming[list_[k]] if n > 1 else 2
                near += 2 * (users + more >= limit)
                if not coarse or widens:
                    pairs_place(&self.m.table, i[j], list_[k], &row, &key)
                    narrow += self.is_narrow(row, key) + (self.bound.most and self.is_narrow(key, row))
            self.ahead_length[self.group[j]] = bring(list_, had, at, i[j], self.window or had + 1)
        if self.bound.most and n > 1:
            for k in range(fresh.shape[0]):
                if fresh[k]:
                    self.make_partners(k, fresh[k])
        return near + narrow

    cdef bint is_narrow(self, int32_t row, int32_t key) noexcept nogil:
        cdef const char *record = pairs_find(&self.m.table, row, key)
        return record == NULL or not record_is_wide(record)

    cdef int look_at_rows(self, int32_t i, const int32_t *items, Py_ssize_t n, int64_t[::1] fresh) except -1:
        """The partners that an item and n others are to gain: into `fresh`, or room for them at once."""
        cdef Py_ssize_t j, mine = 0
        cdef bint full = self.m.table.used[i] >= self.bound.most
        for j in range(n):
            if not full:
                mine += pairs_find(&self.m.table, i, items[j]) == NULL
            if self.m.table.used[items[j]] >= self.bound.most:
                continue
            if fresh is None:
                self.make_partners(items[j], 1)      # perhaps for nothing: cheaper than to look
            elif pairs_find(&self.m.table, items[j], i) == NULL:
                fresh[items[j]] += 1
        if fresh is not None:
            fresh[i] += mine
        elif mine:
            self.make_partners(i, mine)
        return 0

    cdef int make_partners(self, Py_ssize_t row, Py_ssize_t more) except -1:
        """Room for so many more partners of an item, or for as many as it may have."""
        return self.item_pairs.fit_row(row, min(self.m.table.used[row] + more, self.bound.most))

    cdef void meet_window(self, Py_ssize_t g, int32_t i, double y, double w) noexcept nogil:
        """One event: its item meets the others of the list, and then stands at the end of it."""
        cdef Py_ssize_t at = self.begin_at[g], n = self.length[g], j, p = -1
        cdef int32_t *items = self.items + at
        cdef double *weights = self.weights + at
        cdef double *sums = self.sums + at
        cdef double weight = w, total = w * y, factor
        cdef int shift
        cdef skl_value old, new
        self.plan = self.m.scale
        scale_meet(&self.plan, y)
        if self.moves():
            self.move(&self.plan)
        self.m.scale = self.plan
        factor, shift = scale_factor(&self.m.scale), scale_shift(&self.m.scale)
        for j in range(n):
            self.values[j] = scale_value(factor, shift, sums[j] / weights[j])
            if items[j] == i:
                p = j
        if p >= 0:
            old = self.values[p]
            weight, total = weights[p] + w, sums[p] + w * y
        new = scale_value(factor, shift, total / weight)
        if not self.bound.most:
            moments_meet(self.m, items, self.values, n, i, &old if p >= 0 else NULL, new)
        else:
            if p < 0:                 # a pair that counts the old mean may be gone, and be another by now
                partners_meet(self.m, &self.bound, items, self.values, n, i, new)
            moments_note(self.m, new)
        self.length[g] = bring(items, n, p, i, self.window or n + 1)
        bring_number(weights, n, p, weight, self.window or n + 1)
        bring_number(sums, n, p, total, self.window or n + 1)

    cdef void move(self, const skl_scale *scale) noexcept nogil:
        """All sums in other units: without the ratings that fell out of the lists, rounded if need be."""
        if self.m.scale.unit != SCALE_NONE and self.m.fine < scale.unit:
            self.s[INEXACT] = 1
            self.m.fine = scale.unit
        moments_move(self.m, scale)

    # -- forgetting and merging -------------------------------------------------------------------
    def leave(self, users):
        """Take the ratings of these users out of all records."""
        cdef Py_ssize_t u, j
        cdef Listed had
        for u in users:
            had = self.listed(u)
            self.make_scratch(had.n, 1)
            self.item_pairs.reserve_wide(had.n * had.n // 2 if self.m.fine < self.m.scale.narrow else 1)
            for j in range(had.n):
                self.active[j] = moments_value(self.m, had.sums[j] / had.weights[j])
            moments_list(self.m, had.items, self.active, had.n, -1)

    def settle_down(self):
        """The scale of the ratings that are left; whether their sums may now differ in rounding."""
        cdef skl_scale left
        cdef Py_ssize_t u, j
        cdef Listed had
        cdef bint exact = self.m.fine >= self.m.scale.unit, repeats = False
        left.unit = left.narrow = left.top = SCALE_NONE
        for u in range(self.uw.shape[0]):
            had = self.listed(u)
            repeats = repeats or self.ue[u, 0] > had.n
            for j in range(had.n):
                scale_meet(&left, had.sums[j] / had.weights[j])
        if left.unit == self.m.scale.unit:
            return False
        self.take_scale(left.unit, left.top)
        return repeats and not exact

    def take_scale(self, int unit, int top):
        """Count in other units; all ratings are taken anew."""
        cdef skl_scale scale = self.m.scale
        scale.unit, scale.top = unit, top
        if unit != SCALE_NONE and (self.m.scale.unit == SCALE_NONE or scale.narrow < unit):
            scale.narrow = unit + 29
        if unit == SCALE_NONE:
            scale.narrow = SCALE_NONE
        self.item_pairs.reserve_wide(self.records())
        if self.ordered:
            self.move(&scale)
            return
        self.make_scratch(max(1, self.longest()), 1)
        self.rebuild(&scale)

    def take_steps(self, int narrow):
        """Count in other narrow units; nothing else changes."""
        cdef skl_scale scale = self.m.scale
        scale.narrow = narrow
        self.item_pairs.reserve_wide(self.records())
        moments_move(self.m, &scale)

    @property
    def scale(self):
        """Exponents of the unit, of the narrow unit, and of a bound of the ratings."""
        return self.m.scale.unit, self.m.scale.narrow, self.m.scale.top

    # -- answers --------------------------------------------------------------------------------
    cdef double read_list(self, Listed had, Py_ssize_t u, double mean, double *bias) noexcept nogil:
        """The bias of a user; and for each item of the user how far its rating is from what biases say."""
        cdef Py_ssize_t j
        cdef double largest = 0, taken = 0, unit, b
        cdef const double *weights = &self.iw[0, 0]      # one column each
        cdef const double *sums = &self.is_[0, 0]
        cdef int32_t i
        for j in range(had.n):
            i = had.items[j]
            bias[j] = (sums[i] - weights[i] * mean) / (weights[i] + self.l2_item)
            largest = max(largest, fabs(had.weights[j] * bias[j]))
        unit = exact_unit(largest, had.n)
        for j in range(had.n):
            taken += rint(had.weights[j] * bias[j] / unit)
        b = self.rest(had, u, mean, taken * unit)
        for j in range(had.n):
            bias[j] = had.sums[j] / had.weights[j] - (mean + b + bias[j])
        return b

    cdef double rest(self, Listed had, Py_ssize_t u, double mean, double taken) noexcept nogil:
        """The bias of a user whose items account for `taken`; with a window, that of its ratings alone."""
        cdef double weight = 0, total = 0
        cdef Py_ssize_t j
        if not self.window:
            weight, total = self.uw[u, 0], self.us[u, 0]
        else:
            for j in range(had.n):
                weight += had.weights[j]
                total += had.sums[j]
        return (total - weight * mean - taken) / (weight + self.l2_user) if weight > 0 else 0

    cdef double user_bias(self, Py_ssize_t u, double mean) noexcept nogil:
        cdef Listed had
        cdef Py_ssize_t j
        cdef double taken = 0, largest = 0, unit
        if not self.window:
            return BaselineLearner.user_bias(self, u, mean)
        had = self.listed(u)
        for j in range(had.n):
            largest = max(largest, fabs(had.weights[j] * self.item_bias(had.items[j], mean)))
        unit = exact_unit(largest, had.n)
        for j in range(had.n):
            taken += rint(had.weights[j] * self.item_bias(had.items[j], mean) / unit)
        return self.rest(had, u, mean, taken * unit)

    cdef void bring_pair(self, int32_t a, int32_t b) noexcept nogil:
        """The lines of what is known of two items are to be on their way."""
        cdef int32_t row, key
        pairs_place(&self.m.table, a, b, &row, &key)
        pairs_prefetch(&self.m.table, row, key)
        if self.bound.most:
            pairs_prefetch(&self.m.table, key, row)

    cdef double weigh(self, Listed had, int32_t i, const double *deviation, double *parts, double *spare,
                      double base) noexcept nogil:
        """What each item of a user adds to the answer for item i; their sum."""
        return 0

    cdef void ready(self, double mean) noexcept nogil:
        """Before answers."""

    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        cdef double mean = self.mean(), base = mean
        cdef Listed had
        if i >= 0:
            base += self.item_bias(i, mean)
        if u < 0 or self.s[2] <= 0:
            return base
        had = self.listed(u)
        base += self.read_list(had, u, mean, self.ask)
        if i < 0 or had.n == 0:
            return base
        self.ready(mean)
        return base + self.weigh(had, <int32_t>i, self.ask, self.ask + self.ask_room,
                                 self.ask + 2 * self.ask_room, base)

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Predictions for pairs of rows, float64 (n,); the list of a user is read once a run."""
        cdef Py_ssize_t n = u.shape[0], j
        cdef double[::1] out = np.empty(n)
        cdef double mean = self.mean(), bias = 0, base
        cdef Listed had = self.listed(-1)
        self.ready(mean)
        for j in range(n):
            if j == 0 or u[j] != u[j - 1]:
                had = self.listed(u[j] if self.s[2] > 0 else -1)
                bias = 0
                if u[j] >= 0 and self.s[2] > 0:
                    bias = self.read_list(had, u[j], mean, self.ask)
            base = mean
            if i[j] >= 0:
                base += self.item_bias(i[j], mean)
            if u[j] >= 0 and self.s[2] > 0:
                base += bias
            if had.n and i[j] >= 0:
                base += self.weigh(had, i[j], self.ask, self.ask + self.ask_room,
                                   self.ask + 2 * self.ask_room, base)
            out[j] = base
        return np.asarray(out)

    def explain(self, Py_ssize_t u, int32_t i):
        """What each item of a user adds to the answer: item rows and parts, float64 (n,)."""
        cdef double mean = self.mean(), base
        cdef Listed had = self.listed(u)
        if u < 0 or i < 0 or had.n == 0 or self.s[2] <= 0:
            return np.empty(0, np.int32), np.empty(0)
        base = mean + self.item_bias(i, mean)
        base += self.read_list(had, u, mean, self.ask)
        self.ready(mean)
        self.weigh(had, i, self.ask, self.ask + self.ask_room, self.ask + 2 * self.ask_room, base)
        return (np.array([had.items[j] for j in range(had.n)], dtype=np.int32),
                np.asarray(<double[:had.n]>(self.ask + self.ask_room)).copy())


cdef class ItemKNNLearner(PairLearner):
    """The deviations of the ratings of the k most similar items of the user, weighted by similarity."""
    cdef skl_likeness like
    cdef Py_ssize_t k
    cdef double l2

    def configure(self, double l2_user, double l2_item, Py_ssize_t k, int kind, double shrinkage, double l2):
        BaselineLearner.configure(self, l2_user, l2_item)
        self.k, self.l2 = k, l2
        self.like.kind, self.like.shrinkage = kind, shrinkage

    cdef void ready(self, double mean) noexcept nogil:
        likeness_set(&self.like, self.m, mean)

    cdef double similarity(self, int32_t a, int32_t b) noexcept nogil:
        cdef int32_t row
        cdef const char *record
        if a == b:
            return 0
        record = pairs_known(&self.m.table, a, b, &row)
        return 0 if record == NULL else likeness(self.m, record, &self.like)

    cdef double weigh(self, Listed had, int32_t i, const double *deviation, double *parts, double *spare,
                      double base) noexcept nogil:
        cdef Py_ssize_t j, m = 0
        cdef double least = 0, largest = 0, unit, whole, total = 0, weight = 0
        for j in range(had.n):
            if j + AHEAD < had.n:
                self.bring_pair(i, had.items[j + AHEAD])
            parts[j] = self.similarity(i, had.items[j])
            if parts[j] > 0:
                spare[m] = parts[j]
                m += 1
        if m == 0:
            for j in range(had.n):
                parts[j] = 0
            return 0
        if self.k and m > self.k:
            least = kth_largest(spare, m, self.k)       # those that tie with the last one count too
        for j in range(had.n):
            if parts[j] > 0 and parts[j] >= least:
                largest = max(largest, fabs(deviation[j]))
            else:
                parts[j] = 0
        # whole numbers of small units: the sums do not depend on the order of the list
        unit, whole = exact_unit(largest, had.n), exact_unit(1, had.n)
        for j in range(had.n):
            weight += rint(parts[j] / whole)
            parts[j] = rint(parts[j] * deviation[j] / unit)
            total += parts[j]
        weight = weight * whole + self.l2
        for j in range(had.n):
            parts[j] = parts[j] * unit / weight
        return total * unit / weight

    def similar(self, int32_t i, Py_ssize_t n_items):
        """Similarities of all items to one, float64 (n_items,)."""
        cdef Py_ssize_t j
        cdef double[::1] out = np.zeros(n_items)
        self.ready(self.mean())
        for j in range(n_items):
            out[j] = self.similarity(i, <int32_t>j)
        return np.asarray(out)


cdef class SlopeOneLearner(PairLearner):
    """Ratings of the user's items, each moved by the mean difference between the two items."""
    cdef double shrinkage

    def configure(self, double l2_user, double l2_item, double shrinkage):
        BaselineLearner.configure(self, l2_user, l2_item)
        self.shrinkage = shrinkage

    cdef double weigh(self, Listed had, int32_t i, const double *deviation, double *parts, double *spare,
                      double base) noexcept nogil:
        cdef Py_ssize_t j
        cdef int32_t row
        cdef const char *record
        cdef int64_t n, users = 0
        cdef skl_wide total = wide_zero(), part
        cdef double one = 1.0 / scale_factor(&self.m.scale), factor = scale_factor(&self.m.scale), weight
        for j in range(had.n):
            parts[j] = spare[j] = 0
            if j + AHEAD < had.n:
                self.bring_pair(i, had.items[j + AHEAD])
            if had.items[j] == i:
                continue
            record = pairs_known(&self.m.table, i, had.items[j], &row)
            n = 0 if record == NULL else moments_count(self.m, record)
            if n <= 0:
                continue
            part = wide_product(scale_value(factor, 0, had.sums[j] / had.weights[j]).X, n)
            part = wide_plus(part, wide_product(slope_sum(record), 1 if row == i else -1))
            total = wide_plus(total, part)
            users += n
            parts[j], spare[j] = wide_double(part) * one, <double>n
        weight = users + self.shrinkage
        if users == 0:
            return 0
        for j in range(had.n):
            parts[j] = (parts[j] - spare[j] * base) / weight
        return (wide_double(total) * one - users * base) / weight
