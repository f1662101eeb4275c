# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The learner of factors from positive events: BPR, WARP, logistic and squared loss, sampled negatives."""
from libc.math cimport floor, log, pow
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from skl_increc._kernels._mf cimport MFLearner, mf_model, mf_scores
from skl_increc.factorization._implicit_steps cimport ImplicitLearner

cdef extern from "bpr_events.h" nogil:
    enum: BPR_PAIRS, BPR_WARP, BPR_LOGISTIC, BPR_SQUARED
    enum:
        TICKS "BPR_TICKS"      # scalars: events so far, further passes included: what the draws follow from
        KNOWN "BPR_KNOWN"      # item rows that have had an event
        BROKEN "BPR_BROKEN"    # steps not made, for a row had exploded or would
        TRIES "BPR_TRIES"      # draws of an item that the user has had, before this negative is given up
    ctypedef struct skl_lists:
        const char *base
        const uint32_t *heads
        const int32_t *shapes
        Py_ssize_t n
    ctypedef struct bpr_run:
        const mf_model *m
        skl_lists known
        uint64_t seed
        double *scalars
        double *taken
        int32_t *last
        int32_t *drawn
        double heavy
        int n_negatives
        Py_ssize_t primed, fetched
    Py_ssize_t bpr_events(bpr_run *r, const int32_t *u, const int32_t *i, const double *y, const double *w,
                          Py_ssize_t first, Py_ssize_t end, Py_ssize_t total)
    int bpr_pairs(const mf_model *m, int32_t u, int32_t i, const int32_t *others, int n, float w, float rank)
    int bpr_points(const mf_model *m, int32_t u, const int32_t *items, int n, float target, float w, int link,
                   int still)
    void bpr_fetch(const mf_model *m, int32_t i, int stride)
    int32_t bpr_below(uint64_t key, uint64_t use, int32_t n)
    void bpr_tree_extend(double *tree, const double *weight, Py_ssize_t j)
    void bpr_tree_add(double *tree, Py_ssize_t n, Py_ssize_t j, double by)
    double bpr_tree_total(const double *tree, Py_ssize_t n)
    int32_t bpr_tree_find(const double *tree, Py_ssize_t n, double x)

cdef extern from "hash.h" nogil:
    uint64_t skl_mix(uint64_t z)

cdef extern from "replay.h" nogil:
    ctypedef struct skl_replay_counts:
        double seen, filled, ticks
    ctypedef struct skl_replay_event:
        double u, i, y, w
    size_t skl_replay_draw(uint64_t seed, double tick, uint64_t use, double n)
    void skl_replay_keep(skl_replay_counts *c, skl_replay_event *kept, size_t room, uint64_t seed,
                         skl_replay_event event)

cdef enum:
    # scalars
    HEAD = 3           # item rows + 1 of the queue of items: longest unseen, newest
    TAIL = 4
    WEIGHTS = 5        # of what was taken so far; then of what was refused
    COUNTS = 7         # of the sample of past events, then the events
    N_SCALARS = 7
    # negatives
    UNIFORM = 0
    POPULARITY = 1
    RECENT = 2
    HARDEST = 3
    # the queue
    BEFORE = 0
    AFTER = 1
    # learning
    OTHERS_TURN = 256  # events after which another thread may go first
    SOON = 24          # how far ahead what the history will touch is brought on its way

cdef uint64_t DRAWS = 0xB1A5ED5A3  # the sequence of draws beside others of one seed

SCALARS = N_SCALARS
LOSSES = {"bpr": BPR_PAIRS, "warp": BPR_WARP, "logistic": BPR_LOGISTIC, "squared": BPR_SQUARED}
NEGATIVES = {"uniform": UNIFORM, "popularity": POPULARITY, "recent": RECENT, "hardest": HARDEST}


cdef class BPRLearner(ImplicitLearner):
    """Learner of ``BPR``: each positive against items that the user has not had, drawn by event number.

    The user rows hold "factors", "stat" and "last"; the item rows "factors", "stat", and by the kind of
    negatives "weight" and "tree", or "queue".
    """
    cdef int ranking, negatives, n_negatives, n_candidates, replay
    cdef size_t replay_room
    cdef double exponent
    cdef float negative_weight
    cdef int32_t[:, ::1] last, queue
    cdef double[:, ::1] weight, tree
    cdef int32_t *drawn
    cdef float *spare
    cdef int room
    cdef bint queued, weighed

    def __dealloc__(self):
        free(self.drawn)
        free(self.spare)

    def configure_sampling(self, *, int loss, int negatives, int n_negatives, int n_candidates,
                           double exponent, float negative_weight, classes, int replay,
                           size_t replay_room):
        """Take the parameters of the loss and of what is drawn; for `classes` see `weigh`."""
        cdef int room = max(n_negatives, n_candidates, 1)
        if room > self.room:
            drawn, spare = <int32_t *>malloc(room * sizeof(int32_t)), <float *>malloc(room * sizeof(float))
            if drawn == NULL or spare == NULL:
                free(drawn)
                free(spare)
                raise MemoryError(f"no memory for {room} negatives")
            free(self.drawn)
            free(self.spare)
            self.drawn, self.spare, self.room = drawn, spare, room
        self.ranking, self.negatives, self.n_negatives = loss, negatives, n_negatives
        self.n_candidates, self.exponent, self.negative_weight = n_candidates, exponent, negative_weight
        self.replay, self.replay_room = replay, replay_room
        self.weigh(classes)

    def bind(self, dict users, dict items, scalars):
        cdef int32_t[:, ::1] last = users["last"], queue
        cdef double[:, ::1] weight, tree
        MFLearner.bind(self, users, items, scalars)
        self.last, self.m.broken = last, &self.scalars[BROKEN]
        if "queue" in items:
            queue = items["queue"]
            self.queue = queue
            self.queued = True
        if "tree" in items:
            weight, tree = items["weight"], items["tree"]
            self.weight, self.tree = weight, tree
            self.weighed = True

    cdef bint holds(self, Py_ssize_t u, int32_t i) noexcept nogil:
        """Whether the user is known to have had the item."""
        if self.known is None or u < 0 or u >= self.known.lists.n:
            return False
        return self.known.lists.find(self.known.lists.heads + u, i) >= 0

    # -- learning -------------------------------------------------------------------------------
    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef double before = self.scalars[BROKEN]
        cdef bpr_run run
        self.prepare(&run)
        self.learn_part(&run, u, i, y, w, 0, n, n)
        if self.recent is not None and self.count:
            self.recent.learn(u, i, y, w, t, n)
        self.tell_once(before)

    cdef void prepare(self, bpr_run *run) noexcept nogil:
        """Say what plain events need, before the first of a table."""
        run.m, run.seed = &self.m, skl_mix(self.seed ^ DRAWS)
        run.primed = run.fetched = 0
        run.scalars, run.taken = &self.scalars[0], &self.scalars[WEIGHTS] if self.count else NULL
        run.last = &self.last[0, 0]
        self.point(run)

    cdef void point(self, bpr_run *run) noexcept nogil:
        """Say what may be another since: parameters (another thread may have set some), and who had what."""
        run.drawn, run.n_negatives, run.heavy = self.drawn, self.n_negatives, self.m.classes[1]
        run.known.n = 0
        if self.known is not None:
            run.known.base, run.known.n = self.known.lists.blocks.base, self.known.lists.n
            run.known.heads = <const uint32_t *>self.known.lists.heads
            run.known.shapes = <const int32_t *>self.known.lists.shapes

    cdef void learn_part(self, bpr_run *run, const int32_t *u, const int32_t *i, const double *y,
                         const double *w, Py_ssize_t first, Py_ssize_t end, Py_ssize_t total) noexcept nogil:
        """Some of the events of a table, in turn."""
        cdef bint plain = (self.ranking == BPR_PAIRS and self.negatives == UNIFORM and not self.replay
                           and not self.m.balanced)
        while first < end:
            if plain:
                first = bpr_events(run, u, i, y, w, first, end, total)
                if first == end:
                    return
                if i[first] >= self.scalars[KNOWN] and y[first] > 0 and w[first] > 0:
                    self.know(i[first])
                    continue
            if i[first] >= 0:
                self.event(u[first], i[first], y[first], w[first])
            self.scalars[TICKS] += 1
            first += 1

    def learn_in_order(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y,
                       const double[::1] w, const double[::1] t):
        """As it is inherited; strangers' store takes the events of one turn at once."""
        cdef Py_ssize_t n = u.shape[0], a = 0, b, j
        cdef double before
        cdef bpr_run run
        self.prepare(&run)
        while a < n:
            b, before = min(a + OTHERS_TURN, n), self.scalars[BROKEN]
            for j in range(a, b):
                if self.known is not None:
                    self.note(u, i, y, j)
                self.point(&run)
                self.learn_part(&run, &u[0], &i[0], &y[0], &w[0], j, j + 1, n)
            if self.recent is not None:
                self.recent.learn(&u[a], &i[a], &y[a], &w[a], &t[a], b - a)
            self.tell_once(before)
            a = b
            with nogil:
                pass

    cdef int note(self, const int32_t[::1] u, const int32_t[::1] i, const double[::1] y,
                  Py_ssize_t j) except -1:
        """Event j goes to the history."""
        cdef Py_ssize_t n = u.shape[0]
        if j + SOON < n and u[j + SOON] >= 0:
            self.known.prefetch_head(u[j + SOON])
        if j + SOON // 2 < n and u[j + SOON // 2] >= 0:
            self.known.prefetch(u[j + SOON // 2], i[j + SOON // 2])
        if u[j] >= 0 and i[j] >= 0 and y[j] > 0:
            self.known.append_c(u[j], i[j], NULL)
        return 0

    cdef void event(self, int32_t u, int32_t i, double y, double w) noexcept nogil:
        if i >= self.scalars[KNOWN]:
            self.know(i)
        if self.count:
            self.scalars[WEIGHTS + (y <= 0)] += w
        if y <= 0:
            self.disliked(u, i, <float>(w * self.heavy(0)), 0)
            return
        if w > 0:
            self.positive(u, i, <float>(w * self.heavy(1)), 0)
            if self.replay:
                self.rehearse(u, i, w)
            if u >= 0:
                self.last[u, 0] = i + 1
        if self.count:
            self.happened(i)

    cdef double heavy(self, bint taken) noexcept nogil:
        """What an event weighs that was taken, or refused."""
        cdef double one = self.scalars[WEIGHTS], other = self.scalars[WEIGHTS + 1]
        if not self.m.balanced:
            return self.m.classes[taken]
        if one == 0 or other == 0:
            return 1
        return 0.5 * (one + other + 1) / ((one if taken else other) + 0.5)

    cdef void know(self, int32_t i) noexcept nogil:
        """Items up to this one may be drawn from now on."""
        cdef int32_t j
        if self.weighed:
            for j in range(<int32_t>self.scalars[KNOWN], i + 1):
                self.weight[j, 0] = 0
                bpr_tree_extend(&self.tree[0, 0], &self.weight[0, 0], j + 1)
        self.scalars[KNOWN] = i + 1

    cdef void happened(self, int32_t i) noexcept nogil:
        """Note an event for what is drawn later."""
        cdef double before
        if self.weighed:
            before = self.weight[i, 0]            # counts are kept, powers of them are in the tree
            self.weight[i, 0] = before + 1
            bpr_tree_add(&self.tree[0, 0], <Py_ssize_t>self.scalars[KNOWN], i + 1,
                         pow(before + 1, self.exponent) - (pow(before, self.exponent) if before > 0 else 0))
        if self.queued:
            self.to_the_end(i)

    cdef void positive(self, int32_t u, int32_t i, float w, uint64_t use) noexcept nogil:
        """One positive event against what is drawn for it."""
        cdef uint64_t key = skl_mix(self.seed ^ DRAWS)
        cdef int n
        cdef bint still = self.negatives == RECENT
        key = skl_mix(skl_mix(key + <uint64_t>self.scalars[TICKS]) + use)
        if self.ranking == BPR_WARP:
            self.warp(u, i, w, key)
            return
        n = self.draw(u, i, key)
        if self.ranking == BPR_PAIRS:
            self.scalars[BROKEN] += bpr_pairs(&self.m, u, i, self.drawn, n, w, 0)
            return
        self.scalars[BROKEN] += bpr_points(&self.m, u, self.drawn, n, 0, w * self.negative_weight,
                                           self.ranking == BPR_LOGISTIC, still)
        self.scalars[BROKEN] += bpr_points(&self.m, u, &i, 1, 1, w, self.ranking == BPR_LOGISTIC, False)

    cdef void warp(self, int32_t u, int32_t i, float w, uint64_t key) noexcept nogil:
        """Draw until an item stands within the margin; the sooner, the lower the positive stands."""
        cdef float good, s
        cdef int32_t j
        cdef int trial
        cdef double n = self.scalars[KNOWN]
        mf_scores(&self.m, &u, 0, &i, 0, 1, &good)
        for trial in range(self.n_negatives):
            j = self.draw_one(u, i, key + <uint64_t>trial * TRIES * 4)
            if j < 0:
                continue
            mf_scores(&self.m, &u, 0, &j, 0, 1, &s)
            if s > good - 1:
                s = <float>max(log(floor((n - 1) / (trial + 1))), 1.0)
                self.scalars[BROKEN] += bpr_pairs(&self.m, u, i, &j, 1, w, s)
                return

    cdef void disliked(self, int32_t u, int32_t i, float w, uint64_t use) noexcept nogil:
        """An item that the user refused: below the last one taken, or towards 0."""
        cdef int32_t good
        if self.ranking >= BPR_LOGISTIC:
            self.scalars[BROKEN] += bpr_points(&self.m, u, &i, 1, 0, w, self.ranking == BPR_LOGISTIC, False)
        elif u >= 0 and self.last[u, 0] and self.last[u, 0] != i + 1:
            good = self.last[u, 0] - 1
            self.scalars[BROKEN] += bpr_pairs(&self.m, u, good, &i, 1, w, self.ranking == BPR_WARP)

    cdef void rehearse(self, int32_t u, int32_t i, double w) noexcept nogil:
        """Learn past events again; then the new one may join them."""
        cdef skl_replay_counts *counts = <skl_replay_counts *>&self.scalars[COUNTS]
        cdef skl_replay_event *kept = <skl_replay_event *>&self.scalars[COUNTS + 3]
        cdef skl_replay_event past
        cdef int r
        if counts.filled > 0:
            for r in range(self.replay):
                past = kept[skl_replay_draw(self.seed, counts.ticks, r, counts.filled)]
                self.positive(<int32_t>past.u, <int32_t>past.i, <float>(past.w * self.heavy(1)), r + 1)
        if self.count and u >= 0:
            past.u, past.i, past.y, past.w = u, i, 1, w
            skl_replay_keep(counts, kept, self.replay_room, self.seed, past)
        counts.ticks += 1

    # -- what is drawn --------------------------------------------------------------------------
    cdef int draw(self, int32_t u, int32_t i, uint64_t key) noexcept nogil:
        """Negatives of one event, into `drawn`; how many."""
        cdef int n = 0, r
        cdef int32_t j
        if self.negatives == RECENT:
            return self.draw_longest_unseen(u, i)
        if self.negatives == HARDEST:
            for r in range(self.n_negatives):
                j = self.draw_hardest(u, i, key + <uint64_t>r * self.n_candidates * TRIES * 4, self.drawn + n)
                n += j >= 0
            return n
        for r in range(self.n_negatives):
            j = self.draw_one(u, i, key + <uint64_t>r * TRIES * 4)
            if j >= 0:
                self.drawn[n] = j
                n += 1
                bpr_fetch(&self.m, j, <int>self.m.stride)
        return n

    cdef int32_t draw_one(self, int32_t u, int32_t i, uint64_t key) noexcept nogil:
        """An item that is not i and that the user has not had; -1: the tries were in vain."""
        cdef int32_t n = <int32_t>self.scalars[KNOWN], j
        cdef int attempt
        cdef double at
        for attempt in range(TRIES):
            if self.negatives == POPULARITY:
                at = bpr_tree_total(&self.tree[0, 0], n) * (skl_mix(key + attempt) >> 11) / 9007199254740992.0
                j = bpr_tree_find(&self.tree[0, 0], n, at)
            else:
                j = bpr_below(key, attempt, n)
            if j != i and not self.holds(u, j):
                return j
        return -1

    cdef int32_t draw_hardest(self, int32_t u, int32_t i, uint64_t key, int32_t *out) noexcept nogil:
        """The one of some candidates that scores most, into `out`."""
        cdef int32_t best = -1, j
        cdef float most = 0, s
        cdef int c
        for c in range(self.n_candidates):
            j = self.draw_one(u, i, key + <uint64_t>c * TRIES * 4)
            if j >= 0:
                mf_scores(&self.m, &u, 0, &j, 0, 1, &s)
                if best < 0 or s > most:
                    best, most = j, s
        if best >= 0:
            out[0] = best
        return best

    cdef int draw_longest_unseen(self, int32_t u, int32_t i) noexcept nogil:
        """The head of the queue of items, each of which then goes to its end."""
        cdef int n = 0, look = self.n_negatives + TRIES
        cdef int32_t j = <int32_t>self.scalars[HEAD] - 1
        while j >= 0 and n < self.n_negatives and look > 0:
            if j != i and not self.holds(u, j):
                self.drawn[n] = j
                n += 1
            j = self.queue[j, AFTER] - 1
            look -= 1
        for look in range(n):
            self.to_the_end(self.drawn[look])
        return n

    cdef void to_the_end(self, int32_t i) noexcept nogil:
        """Item i becomes the newest of the queue, in which it may be or not."""
        cdef int32_t a = self.queue[i, BEFORE], b = self.queue[i, AFTER], tail
        cdef bint there = a or b or self.scalars[HEAD] == i + 1
        if self.scalars[TAIL] == i + 1:
            return
        if there:
            if a:
                self.queue[a - 1, AFTER] = b
            else:
                self.scalars[HEAD] = b
            self.queue[b - 1, BEFORE] = a
        tail = <int32_t>self.scalars[TAIL]
        self.queue[i, BEFORE], self.queue[i, AFTER] = tail, 0
        if tail:
            self.queue[tail - 1, AFTER] = i + 1
        else:
            self.scalars[HEAD] = i + 1
        self.scalars[TAIL] = i + 1

    # -- answers --------------------------------------------------------------------------------
    def advice(self):
        return ("BPR: a step would have made a row grow beyond all measure, or met one that had; it was not "
                "made, and the row is as it was. Lower learning_rate, learning_rate_bias or init_scale, or "
                "raise l2.")

    cdef MFLearner reader(self):
        cdef BPRLearner r = BPRLearner.__new__(BPRLearner, self.m.k, self.m.stride)
        self.lend(r)
        return r
