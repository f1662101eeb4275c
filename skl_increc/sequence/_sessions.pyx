# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of session-based nearest neighbours."""
from libc.math cimport exp, log, pow
from libc.stdint cimport int32_t, int64_t, uint64_t

import numpy as np

from skl_increc._kernels._ladder cimport Recent
from skl_increc._kernels._learner cimport Learner
from skl_increc._state._journal cimport Journal
from skl_increc.sequence._weights cimport Weights

cdef enum:
    FARTHEST = 1000   # the largest max_distance
    WEIGHT = 0        # columns of the journal
    TIME = 1
    # scalars
    EVENTS = 0
    INEXACT = 1
    OWNERS = 2
    LANDMARK = 3
    TABLE = 4096      # distances, and counts of events, whose exponentials and powers are kept

cdef class SessionLearner(Learner):
    """Events in a journal and in an inverted index; all else happens when a list is asked for.

    With times, both are in order of time: a late event is put where it belongs.  In the index, users of one
    time stand by a number of their own, so that it is the same for any order of arrival.

    What is asked is worked out under the interpreter's lock, so that one set of scratch arrays will do.
    """
    cdef Journal journal, index
    cdef Weights weights
    cdef Recent recent             # what the prior goes by; None: by the weights
    cdef double gap, reach, idf, prior
    cdef Py_ssize_t sample, n_neighbors
    cdef int distance
    cdef double gains[FARTHEST + 1]
    cdef double[:, ::1] user_events, events, weight, key
    cdef double[::1] s
    cdef bint timed
    cdef int64_t[::1] place        # of each event of a batch, in its user's list
    cdef double[::1] fades         # e^(-d / reach)
    cdef double[::1] louds         # of each count of events: the factor of an item, if `loud_at` is now
    cdef int32_t[::1] loud_at
    # scratch, a row a user
    cdef double[::1] likeness
    cdef int32_t[::1] mark, first, seen_at, found
    cdef int32_t asked, looked

    def __cinit__(self):
        self.place, self.weights = np.empty(16, np.int64), Weights(LANDMARK)
        self.likeness = np.empty(0)
        self.mark = self.first = self.seen_at = self.found = np.empty(0, np.int32)
        self.louds, self.loud_at = np.zeros(TABLE), np.zeros(TABLE, np.int32)

    def configure(self, gains, Py_ssize_t sample, Py_ssize_t n_neighbors, double reach, double idf,
                  double prior, double gap, double half_life):
        """gains[d - 1] for the distance d; gap of 0: a user is one session; half_life of 0: nothing fades."""
        cdef int d
        self.weights.configure(half_life)
        self.distance, self.sample, self.n_neighbors = len(gains), sample, n_neighbors
        self.reach, self.idf, self.prior, self.gap = reach, idf, prior, gap
        for d in range(self.distance):
            self.gains[d + 1] = gains[d]
        self.fades = np.array([exp(-d / reach) for d in range(min(TABLE, <Py_ssize_t>(6 * reach) + 1))])
        self.loud_at[:] = 0

    def bind(self, dict users, dict items, scalars):
        self.user_events, self.events, self.weight = users["events"], items["events"], items["weight"]
        self.timed = "key" in users
        if self.timed:
            self.key = users["key"]
        self.s = scalars
        self.weights.bind(items, scalars)

    def attach_stores(self, dict stores):
        self.journal, self.index, self.recent = stores["journal"], stores["index"], stores.get("recent")

    cdef void start(self, int side, Py_ssize_t row, uint64_t hash) noexcept nogil:
        if side == 1:
            self.weights.start(row)
        elif self.timed:
            self.key[row, 0] = <double>(hash >> 11)

    # -- learning -------------------------------------------------------------------------------
    cdef int make_room(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                       const double *t, Py_ssize_t n) except -1:
        """Note the events in both stores, which is all that learning takes."""
        cdef Py_ssize_t j, done = 0
        cdef double values[2]
        cdef bint half = False
        if n > self.place.shape[0]:
            self.place = np.empty(max(n, 2 * self.place.shape[0]), np.int64)
        if n == 1 and self.timed and u[0] >= 0 and i[0] >= 0:
            self.note_in_order(u[0], i[0], w[0], t[0])
            return 0
        try:
            for j in range(n):
                if u[j] >= 0 and i[j] >= 0:
                    self.place[j] = self.journal.length_of(u[j])
                    values[WEIGHT], values[TIME] = w[j], t[j]
                    self.journal.append_c(u[j], i[j], values)
                    half = True
                    if w[j] > 0:
                        self.index.append_c(i[j], u[j], &t[j])
                        self.settle(i[j], self.index.length_of(i[j]) - 1)
                    half = False
                done = j + 1
        except BaseException:
            if half:
                self.journal.pop(u[done])
            for j in range(done - 1, -1, -1):
                if u[j] >= 0 and i[j] >= 0:
                    self.journal.pop(u[j])
                    if w[j] > 0:
                        self.unsettle(i[j], u[j])
                        self.index.pop(i[j])
            raise
        return 0

    cdef int note_in_order(self, Py_ssize_t u, int32_t i, double w, double t) except -1:
        """One event in both stores, each time where it belongs."""
        cdef double values[2]
        cdef Py_ssize_t at
        values[WEIGHT], values[TIME] = w, t
        self.journal.make_end(self.journal.heads + u)
        if w > 0:
            self.index.make_end(self.index.heads + i)
            at = self.index.place_of(i, t)
            self.index.insert(i, at, <int32_t>u, &t)
            self.settle(i, at)
        self.place[0] = at = self.journal.place_of(u, t)
        if at == 0 and self.journal.length_of(u):
            self.place[0] = 1                    # its user has a list already
        self.journal.insert(u, at, i, values)
        return 0

    cdef void swap(self, int32_t *users, Py_ssize_t at) noexcept nogil:
        cdef int32_t v = users[at]
        users[at] = users[at - 1]
        users[at - 1] = v

    cdef void settle(self, Py_ssize_t i, Py_ssize_t at) noexcept nogil:
        """Bring a new entry of the index to its place among those of one time."""
        cdef int32_t *users
        cdef const double *t
        if not self.timed:
            return
        users, t = <int32_t *>self.index.others(i), self.index.values(i, 0)
        while at > 0 and t[at - 1] == t[at] and self.key[users[at - 1], 0] > self.key[users[at], 0]:
            self.swap(users, at)
            at -= 1

    cdef void unsettle(self, Py_ssize_t i, int32_t u) noexcept nogil:
        """Make the newest entry of a user the last of its list again."""
        cdef Py_ssize_t at = self.index.length_of(i) - 1, n = at
        cdef int32_t *users = <int32_t *>self.index.others(i)
        while at > 0 and users[at] != u:
            at -= 1
        while at < n:
            at += 1
            self.swap(users, at)

    def sort_index(self):
        """Bring lists that were put behind each other into order."""
        cdef Py_ssize_t i, j, n
        cdef int32_t *users
        cdef double *t
        for i in range(self.events.shape[0] if self.timed else 0):
            n = self.index.length_of(i)
            if n < 2:
                continue
            had, times = self.index.items_of(i), self.index.values_of(i)[0]
            order = np.lexsort((np.asarray(self.key)[had, 0], times))
            users, t = <int32_t *>self.index.others(i), <double *>self.index.values(i, 0)
            had, times = had[order], times[order]
            for j in range(n):
                users[j], t[j] = had[j], times[j]

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        for j in range(n):
            self.s[EVENTS] += 1
            if u[j] >= 0:
                self.user_events[u[j], 0] += 1
            if i[j] < 0:
                continue
            self.events[i[j], 0] += 1
            self.weights.come_to(t[j])
            self.weights.add(i[j], w[j], t[j], u[j] >= 0)
            if u[j] >= 0 and self.place[j] == 0:
                self.s[OWNERS] += 1
        if self.recent is not None:
            self.recent.learn(u, i, y, w, t, n)
        if self.journal.limit:
            for j in range(n):
                if u[j] >= 0 and i[j] >= 0:
                    self.journal.trim(u[j])
                    self.index.trim(i[j])

    cdef void unlearn(self, int32_t u, int32_t i, double w, double t) noexcept nogil:
        """The oldest event of its user and of its item too: both stores are in the order of the window."""
        self.s[EVENTS] -= 1
        if u >= 0:
            self.user_events[u, 0] -= 1
        if i < 0:
            return
        self.events[i, 0] -= 1
        self.weights.take(i, w)
        if u >= 0 and self.journal.length_of(u):
            self.journal.pop_first(u)
            self.s[OWNERS] -= self.journal.length_of(u) == 0
        if u >= 0 and w > 0 and self.index.length_of(i):
            self.index.pop_first(i)

    # -- neighbours -----------------------------------------------------------------------------
    cdef int prepare(self) except -1:
        """Scratch for every user, and for this question a mark of its own."""
        cdef Py_ssize_t n = self.user_events.shape[0]
        if self.mark.shape[0] < n:
            likeness, zeros = np.empty(n), [np.zeros(n, np.int32) for _ in range(4)]
            self.likeness = likeness
            self.mark, self.first, self.seen_at, self.found = zeros
            self.loud_at[:] = 0
            self.asked = self.looked = 0
        if self.looked > 2000000000:
            self.mark[:] = 0
            self.seen_at[:] = 0
            self.loud_at[:] = 0
            self.asked = self.looked = 0
        self.asked += 1
        return 0

    cdef Py_ssize_t begin(self, Py_ssize_t u, Py_ssize_t at) noexcept nogil:
        """Where the session of entry `at` of a list begins."""
        cdef const double *t
        if self.gap <= 0:
            return 0
        t = self.journal.values(u, TIME)
        while at > 0 and t[at] - t[at - 1] <= self.gap:
            at -= 1
        return at

    cdef Py_ssize_t end(self, Py_ssize_t u, Py_ssize_t at) noexcept nogil:
        """Where the session of entry `at` of a list ends."""
        cdef Py_ssize_t n = self.journal.length_of(u)
        cdef const double *t
        if self.gap <= 0:
            return n
        t = self.journal.values(u, TIME)
        at += 1
        while at < n and t[at] - t[at - 1] <= self.gap:
            at += 1
        return at

    cdef int gather(self, Py_ssize_t u, int32_t *own, double *k) noexcept nogil:
        """The distinct last items of the user's session, and how loudly each asks for neighbours."""
        cdef Py_ssize_t n = self.journal.length_of(u), j, start
        cdef int d = 0, m = 0, x
        cdef const int32_t *items
        cdef const double *w
        if n == 0:
            return 0
        items, w, j = self.journal.others(u), self.journal.values(u, WEIGHT), n - 1
        start = self.begin(u, j)
        while j >= start and d < self.distance:
            if w[j] > 0:
                d += 1
                x = 0
                while x < m and own[x] != items[j]:
                    x += 1
                if x == m:
                    own[m], k[m] = items[j], self.gains[d] * self.rarity(items[j])
                    m += 1
            j -= 1
        return m

    cdef double rarity(self, Py_ssize_t i) noexcept nogil:
        return log(1 + self.s[OWNERS] / max(self.events[i, 0], 1.0))

    cdef double loudness(self, Py_ssize_t i) noexcept nogil:
        """What the rarity of an item makes of its score; many items have the same."""
        cdef double c = self.events[i, 0]
        cdef Py_ssize_t at = <Py_ssize_t>c
        if not 0 <= c < TABLE:
            return pow(self.rarity(i), self.idf)
        if self.loud_at[at] != self.asked:
            self.loud_at[at], self.louds[at] = self.asked, pow(self.rarity(i), self.idf)
        return self.louds[at]

    cdef double fade(self, Py_ssize_t d) noexcept nogil:
        """What a position so far from the shared item counts."""
        d = d if d >= 0 else -d
        return self.fades[d] if d < self.fades.shape[0] else exp(-<double>d / self.reach)

    cdef Py_ssize_t neighbours(self, Py_ssize_t u, const int32_t *own, const double *k,
                               int m) noexcept nogil:
        """Fill `found` with the users most like u, `likeness`, and the item that they were `first` met by."""
        cdef Py_ssize_t n_found = 0, q, got
        cdef const int32_t *users
        cdef int32_t v
        cdef int d
        for d in range(m):
            self.looked += 1
            q, got = self.index.length_of(own[d]) - 1, 0
            if q < 0:
                continue
            users = self.index.others(own[d])
            while q >= 0 and got < self.sample:
                v = users[q]
                q -= 1
                if v == u or v >= self.mark.shape[0] or self.seen_at[v] == self.looked:
                    continue
                self.seen_at[v] = self.looked
                got += 1
                if self.mark[v] != self.asked:
                    self.mark[v], self.likeness[v], self.first[v] = self.asked, 0, own[d]
                    self.found[n_found] = v
                    n_found += 1
                self.likeness[v] += k[d]
        return self.best(n_found)

    cdef Py_ssize_t best(self, Py_ssize_t n) noexcept nogil:
        """Keep the n_neighbors most alike in `found`, ties by the order in which they were found."""
        cdef Py_ssize_t j, x, kept = 0
        cdef int32_t v
        for j in range(n):                  # the first so many places are a heap, the least alike at its root
            v = self.found[j]
            if kept < self.n_neighbors:
                x = kept
                kept += 1
                while x > 0 and self.likeness[self.found[(x - 1) // 2]] > self.likeness[v]:
                    self.found[x] = self.found[(x - 1) // 2]
                    x = (x - 1) // 2
                self.found[x] = v
            elif self.likeness[v] > self.likeness[self.found[0]]:
                self.sift(v, kept)
        return kept

    cdef void sift(self, int32_t v, Py_ssize_t n) noexcept nogil:
        """Put v in place of the root of a heap of n."""
        cdef Py_ssize_t x = 0, child
        while True:
            child = 2 * x + 1
            if child >= n:
                break
            if child + 1 < n and self.likeness[self.found[child + 1]] < self.likeness[self.found[child]]:
                child += 1
            if self.likeness[self.found[child]] >= self.likeness[v]:
                break
            self.found[x] = self.found[child]
            x = child
        self.found[x] = v

    cdef void listen(self, int32_t v, double factor, double *scores, Py_ssize_t n) noexcept nogil:
        """Add what a neighbour took near the item it was found by."""
        cdef Py_ssize_t at = self.journal.length_of(v) - 1, a, b, far = <Py_ssize_t>(6 * self.reach), j
        cdef const int32_t *items
        cdef const double *w
        if at < 0:
            return
        items, w = self.journal.others(v), self.journal.values(v, WEIGHT)
        while at >= 0 and not (items[at] == self.first[v] and w[at] > 0):
            at -= 1
        if at < 0:
            return
        a, b = max(self.begin(v, at), at - far), min(self.end(v, at), at + far + 1)
        for j in range(a, b):
            if w[j] > 0 and items[j] < n:
                scores[items[j]] += factor * self.fade(j - at)

    cdef int score_all(self, Py_ssize_t u, double *out, Py_ssize_t n) except -1:
        cdef int32_t own[FARTHEST]
        cdef double k[FARTHEST]
        cdef Py_ssize_t i, j, kept = 0
        cdef int m = self.gather(u, own, k) if u >= 0 else 0
        cdef double prior = self.prior * self.weights.since()
        self.prepare()
        for i in range(n):
            out[i] = 0
        if m:
            kept = self.neighbours(u, own, k, m)
        for j in range(kept):
            self.listen(self.found[j], self.likeness[self.found[j]], out, n)
        for i in range(n):
            if out[i] > 0:
                out[i] *= self.loudness(i)
            if self.recent is None:
                out[i] += prior * self.weight[i, 0]
        if self.recent is not None:
            self.recent.add(out, n, self.prior)
        return 1

    # -- answers --------------------------------------------------------------------------------
    cdef double score(self, Py_ssize_t u, Py_ssize_t i) noexcept nogil:
        with gil:
            return float(self.score_pairs(np.array([u], np.int32), np.array([i], np.int32))[0])

    def score_pairs(self, const int32_t[::1] u, const int32_t[::1] i):
        """Scores for pairs of rows, float64 (n,); the neighbours of a user are looked for once a run."""
        cdef Py_ssize_t j, n = self.events.shape[0]
        cdef double[::1] out = np.zeros(u.shape[0]), scores = np.empty(n)
        for j in range(u.shape[0]):
            if j == 0 or u[j] != u[j - 1]:
                self.score_all(u[j], &scores[0], n)
            if i[j] >= 0:
                out[j] = scores[i[j]]
        return np.asarray(out)

    def voices(self, Py_ssize_t u, Py_ssize_t i):
        """The items that speak for item i to user u, how much (int32 and float64, (m,)), and the prior."""
        cdef int32_t own[FARTHEST]
        cdef double k[FARTHEST]
        cdef Py_ssize_t j, q, got, kept
        cdef int m = self.gather(u, own, k) if u >= 0 and i >= 0 else 0, d
        cdef double[::1] scores = np.zeros(self.events.shape[0]), shares = np.zeros(m)
        cdef const int32_t *users
        if i < 0:
            return np.empty(0, np.int32), np.empty(0), 0.0
        self.prepare()
        kept = self.neighbours(u, own, k, m)
        said = {}
        for j in range(kept):
            scores[i] = 0
            self.listen(self.found[j], 1.0, &scores[0], self.events.shape[0])
            said[self.found[j]] = scores[i] * pow(self.rarity(i), self.idf)
        for d in range(m):
            met = set()
            if self.index.length_of(own[d]):
                users = self.index.others(own[d])
                q, got = self.index.length_of(own[d]) - 1, 0
                while q >= 0 and got < self.sample:
                    if users[q] != u and users[q] not in met:
                        met.add(users[q])
                        got += 1
                        shares[d] += k[d] * said.get(users[q], 0.0)
                    q -= 1
        base = self.prior * (self.weights.since() * self.weight[i, 0] if self.recent is None
                             else self.recent.value(i))
        return np.array([own[d] for d in range(m)], dtype=np.int32), np.asarray(shares), base

    # -- forgetting -----------------------------------------------------------------------------
    def forget(self, const int32_t[::1] users, const int32_t[::1] items):
        """Take away what these rows gave, from the stores too."""
        cdef Py_ssize_t u, j, owners = 0
        gone_users, gone_items = set(np.asarray(users).tolist()), set(np.asarray(items).tolist())
        for u in range(self.user_events.shape[0]):
            if u in gone_users:
                for j in range(self.journal.length_of(u)):
                    self.events[self.journal.others(u)[j], 0] -= 1
                    self.weights.take(self.journal.others(u)[j], self.journal.values(u, WEIGHT)[j])
            elif gone_items:
                for j in range(self.journal.length_of(u)):
                    if self.journal.others(u)[j] in gone_items:
                        self.user_events[u, 0] -= 1
        for store in (self.journal, self.index):
            store.drop(0, users)
            store.drop(1, items)
        for u in range(self.user_events.shape[0]):
            owners += self.journal.length_of(u) > 0
        self.s[OWNERS] = owners
        if self.weights.half_life > 0:
            gone = np.zeros(self.events.shape[0], np.uint8)
            gone[np.asarray(items)] = 1
            self.weights.restart(self.journal, self.user_events.shape[0], gone)
