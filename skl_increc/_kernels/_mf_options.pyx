# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What a factor model may do beside its plain steps: Adam, a memory of recent items, rehearsal, friends."""
from libc.stdint cimport int32_t, uint64_t
from libc.stdlib cimport free, malloc

import numpy as np

from skl_increc._kernels._mf cimport TILE, MFLearner, mf_model, mf_steps, mf_targets

cdef extern from "mf_adam.h" nogil:
    ctypedef struct mf_moments:
        float *MU
        float *MI
        float *TU
        float *TI
    void mf_adam_step(const mf_model *m, const mf_moments *a, int32_t u, int32_t i, float target,
                      float offset, float w, float *spare)

cdef extern from "mf_history.h" nogil:
    ctypedef struct mf_memory:
        float *Y
        float *acc
        int32_t *recent
        float *weights
        int most, users
    float mf_user_vector(const mf_model *m, const mf_memory *h, int32_t u, int32_t skip, float *z)
    void mf_history_step(const mf_model *m, const mf_memory *h, int32_t u, int32_t i, float target,
                         float offset, float w, float *z)
    void mf_remember(const mf_memory *h, int32_t u, int32_t i)
    void mf_history_scores(const mf_model *m, const mf_memory *h, const int32_t *u, int step_u,
                           const int32_t *i, int step_i, Py_ssize_t n, float *out, float *z)

cdef extern from "mf_social.h" nogil:
    ctypedef struct mf_alike:
        double bias_xy, bias_xx, xy, xx
    ctypedef struct mf_social:
        int32_t *friends
        float *ties
        mf_alike *alike
        int most
        float beta, fixed
    float mf_slope(const mf_social *s, double xy, double xx)
    int mf_stranger(const mf_model *m, const mf_social *s, int32_t u, float *z, float *bias)
    void mf_meet(const mf_model *m, const mf_social *s, int32_t u, int32_t i, float target, float w,
                 int count, float *z)
    void mf_pull_to_friends(const mf_model *m, const mf_social *s, int32_t u, float w, float *z)
    void mf_stranger_scores(const mf_model *m, const mf_social *s, const int32_t *u, int step_u,
                            const int32_t *i, int step_i, Py_ssize_t n, float *out, float *z)
    int mf_find_tie(const int32_t *mine, int most, int32_t v)
    void mf_untie(int32_t *mine, float *ties, int most, int at)
    void mf_tie(int32_t *mine, float *ties, int most, int32_t v, float weight)

cdef extern from "replay.h" nogil:
    ctypedef struct skl_replay_counts:
        double seen, filled, ticks
    ctypedef struct skl_replay_event:
        double u, i, y, w
    size_t skl_replay_draw(uint64_t seed, double tick, uint64_t use, double n)
    void skl_replay_keep(skl_replay_counts *c, skl_replay_event *kept, size_t room, uint64_t seed,
                         skl_replay_event event)
    void skl_replay_drop(skl_replay_counts *c, skl_replay_event *kept, int side, const char *gone)


cdef class MFOptionsLearner(MFLearner):
    """``MFLearner`` event by event, with any of the options; bound to the fields that the options add."""

    cdef mf_moments moments
    cdef mf_memory memory
    cdef float[:, ::1] MU, MI, TU, TI, Y, acc
    cdef int32_t[:, ::1] latest
    cdef float *row               # of learning; `answer` is of asking, which other threads do
    cdef float *answer
    cdef bint adam
    cdef skl_replay_counts *counts
    cdef skl_replay_event *kept
    cdef Py_ssize_t replay_at
    cdef size_t replay_room
    cdef public int replay        # past events learned again after each event

    def __cinit__(self, int k, Py_ssize_t stride):
        self.replay_at = -1
        self.row = <float *>malloc(stride * sizeof(float))
        self.answer = <float *>malloc(stride * sizeof(float))
        if self.row == NULL or self.answer == NULL:
            raise MemoryError("no memory for a row of factors")

    def __dealloc__(self):
        free(self.row)
        free(self.answer)

    def keep_events(self, Py_ssize_t at, Py_ssize_t room):
        """Keep past events in the scalars of the state, from this place on: three counts, then the events."""
        self.replay_at, self.replay_room = at, room
        self.find_events()

    cdef void find_events(self) noexcept:
        if self.replay_at >= 0 and self.T != NULL:
            self.counts = <skl_replay_counts *>&self.scalars[self.replay_at]
            self.kept = <skl_replay_event *>&self.scalars[self.replay_at + 3]

    def bind(self, dict users, dict items, scalars):
        cdef float[:, ::1] MU, MI, TU, TI, Y, acc
        cdef int32_t[:, ::1] recent
        if "moments" in users:
            MU, MI, TU, TI = users["moments"], items["moments"], users["steps"], items["steps"]
        if "recent" in users:
            Y, acc, recent = items["implicit"], items["implicit_acc"], users["recent"]
        MFLearner.bind(self, users, items, scalars)
        if "moments" in users:
            self.MU, self.MI, self.TU, self.TI = MU, MI, TU, TI
            self.moments.MU, self.moments.MI = &self.MU[0, 0], &self.MI[0, 0]
            self.moments.TU, self.moments.TI = &self.TU[0, 0], &self.TI[0, 0]
            self.adam = True
        if "recent" in users:
            self.Y, self.acc, self.latest = Y, acc, recent
            self.memory.Y, self.memory.acc = &self.Y[0, 0], &self.acc[0, 0]
            self.memory.recent, self.memory.most = &self.latest[0, 0], <int>recent.shape[1]
        self.find_events()

    cdef void learn(self, const int32_t *u, const int32_t *i, const double *y, const double *w,
                    const double *t, Py_ssize_t n) noexcept nogil:
        cdef Py_ssize_t j
        cdef double before = self.m.broken[0]
        for j in range(n):
            self.step_of(u[j], i[j], y[j], w[j], self.count)
            if self.counts != NULL:
                self.rehearse(u[j], i[j], y[j], w[j])
            if self.memory.most and not self.memory.users and self.count and u[j] >= 0 and i[j] >= 0:
                mf_remember(&self.memory, u[j], i[j])
        self.tell_once(before)

    cdef void step_of(self, int32_t u, int32_t i, double y, double w, bint count) noexcept nogil:
        """One step towards one rating; `count`: it also moves the scale of the ratings."""
        cdef float target[4]
        cdef float offset[4]
        cdef float weight[4]
        mf_targets(&self.m, self.T, &y, &w, 1, count, target, offset, weight)
        if self.start_mean:
            self.before(0, u)
            self.before(1, i)
        self.step_towards(u, i, target, offset, weight, count)
        if self.start_mean:
            self.after(0, u)
            self.after(1, i)

    cdef void step_towards(self, int32_t u, int32_t i, const float *target, const float *offset,
                           const float *weight, bint count) noexcept nogil:
        """One step towards a target."""
        if self.adam:
            mf_adam_step(&self.m, &self.moments, u, i, target[0], offset[0], weight[0], self.row)
        elif self.memory.most and u >= 0 and i >= 0:
            mf_history_step(&self.m, &self.memory, u, i, target[0], offset[0], weight[0], self.row)
        else:
            mf_steps(&self.m, &u, &i, target, offset, weight, 1)

    cdef void rehearse(self, int32_t u, int32_t i, double y, double w) noexcept nogil:
        """Learn past events again; then the new one may join them."""
        cdef skl_replay_event past
        cdef int r
        if self.counts.filled > 0:
            for r in range(self.replay):
                past = self.kept[skl_replay_draw(self.seed, self.counts.ticks, r, self.counts.filled)]
                self.step_of(<int32_t>past.u, <int32_t>past.i, past.y, past.w, False)
        if self.count and u >= 0 and i >= 0:
            past.u, past.i, past.y, past.w = u, i, y, w
            skl_replay_keep(self.counts, self.kept, self.replay_room, self.seed, past)
        self.counts.ticks += 1

    def drop(self, int side, rows):
        """Remove every trace of rows that are about to be freed."""
        cdef Py_ssize_t u
        cdef int32_t *mine
        cdef int at, left
        gone = np.zeros((self.SU if side == 0 else self.SI).shape[0], np.int8)
        gone[rows] = 1
        cdef const char[::1] out = gone
        if self.counts != NULL:
            skl_replay_drop(self.counts, self.kept, side, <const char *>&out[0])
        if side == 1 and self.memory.most and not self.memory.users:
            for u in range(self.latest.shape[0]):
                mine, left = self.memory.recent + u * self.memory.most, 0
                for at in range(self.memory.most):
                    if mine[at] and not out[mine[at] - 1]:
                        mine[left] = mine[at]
                        left += 1
                for at in range(left, self.memory.most):
                    mine[at] = 0

    cdef void raw(self, const int32_t *u, int step_u, const int32_t *i, int step_i, Py_ssize_t n,
                  float *out) noexcept nogil:
        if self.memory.most:
            mf_history_scores(&self.m, &self.memory, u, step_u, i, step_i, n, out, self.answer)
        else:
            MFLearner.raw(self, u, step_u, i, step_i, n, out)

    cdef void raw_row(self, int32_t u, Py_ssize_t first, Py_ssize_t n, float *out) noexcept nogil:
        cdef int32_t items[TILE]
        cdef Py_ssize_t j
        if not self.memory.most:
            MFLearner.raw_row(self, u, first, n, out)
            return
        for j in range(n):
            items[j] = <int32_t>(first + j)
        mf_history_scores(&self.m, &self.memory, &u, 0, items, 1, n, out, self.answer)

    def user_vectors(self, const int32_t[::1] u):
        """The vectors of these users with what others add to them, float32 (len(u), stride)."""
        cdef Py_ssize_t n = u.shape[0], r
        cdef float[:, ::1] out = np.zeros((n, self.m.stride), np.float32)
        for r in range(n):
            if u[r] >= 0:
                self.whole_vector(u[r], &out[r, 0])
        return np.asarray(out)

    cdef void whole_vector(self, int32_t u, float *out) noexcept nogil:
        mf_user_vector(&self.m, &self.memory, u, -1, out)

    @property
    def adds_to_users(self):
        """Whether a user's vector is more than her row."""
        return self.memory.most > 0

    def reader_of(self):
        """An independent reader of the same arrays."""
        return self.reader()

    cdef MFLearner reader(self):
        cdef MFOptionsLearner r = MFOptionsLearner.__new__(MFOptionsLearner, self.m.k, self.m.stride)
        self.lend(r)
        r.Y, r.acc, r.latest, r.memory = self.Y, self.acc, self.latest, self.memory
        return r


cdef class TrustLearner(MFOptionsLearner):
    """Each user has friends, whose second vectors are added to hers: TrustSVD."""

    cdef mf_social social
    cdef int32_t[:, ::1] friends
    cdef float[:, ::1] ties

    def bind(self, dict users, dict items, scalars):
        cdef int32_t[:, ::1] friends = users["friends"]
        cdef float[:, ::1] ties = users["ties"], Y, acc
        if "implicit" in users:
            Y, acc = users["implicit"], users["implicit_acc"]
        MFOptionsLearner.bind(self, users, items, scalars)
        self.friends, self.ties = friends, ties
        self.social.friends, self.social.ties = &self.friends[0, 0], &self.ties[0, 0]
        self.social.most = <int>friends.shape[1]
        if "implicit" in users:
            self.Y, self.acc = Y, acc
            self.memory.Y, self.memory.acc, self.memory.users = &self.Y[0, 0], &self.acc[0, 0], True
            self.memory.recent, self.memory.weights = self.social.friends, self.social.ties
            self.memory.most = self.social.most

    def tie(self, const int32_t[::1] u, const int32_t[::1] v, const float[::1] weights):
        """Let users u have the friends v; nobody is a friend of her own."""
        cdef Py_ssize_t j
        for j in range(u.shape[0]):
            if u[j] != v[j]:
                mf_tie(&self.friends[u[j], 0], &self.ties[u[j], 0], self.social.most, v[j], weights[j])

    def untie(self, const int32_t[::1] u, const int32_t[::1] v):
        """Undo these ties; how many there were.  -1 is nobody."""
        cdef Py_ssize_t j, n = 0
        cdef int at
        for j in range(u.shape[0]):
            if u[j] < 0 or v[j] < 0:
                continue
            at = mf_find_tie(&self.friends[u[j], 0], self.social.most, v[j])
            if at < self.social.most and self.friends[u[j], at]:
                mf_untie(&self.friends[u[j], 0], &self.ties[u[j], 0], self.social.most, at)
                n += 1
        return n

    def untie_from(self, const char[::1] gone):
        """Undo all ties to the users that are marked; how many there were."""
        cdef Py_ssize_t u, n = 0
        cdef int at
        for u in range(min(self.friends.shape[0], gone.shape[0])):
            for at in range(self.social.most - 1, -1, -1):
                if self.friends[u, at] and gone[self.friends[u, at] - 1]:
                    mf_untie(&self.friends[u, 0], &self.ties[u, 0], self.social.most, at)
                    n += 1
        return n

    def drop(self, int side, rows):
        MFOptionsLearner.drop(self, side, rows)
        if side == 0:
            gone = np.zeros(self.friends.shape[0], np.int8)
            gone[rows] = 1
            self.untie_from(gone)

    cdef MFLearner reader(self):
        cdef TrustLearner r = type(self)(self.m.k, self.m.stride)
        self.lend(r)
        r.Y, r.acc, r.memory = self.Y, self.acc, self.memory
        r.friends, r.ties, r.social = self.friends, self.ties, self.social
        return r


cdef class SocialLearner(TrustLearner):
    """Each user is pulled to the rows of her friends, and begins there: SocialMF."""

    cdef Py_ssize_t alike_at

    def __cinit__(self, int k, Py_ssize_t stride):
        self.alike_at = -1

    def befriend(self, Py_ssize_t at, float beta, float fixed):
        """Take the parameters, and the place of the four sums among the scalars."""
        self.alike_at = at
        self.social.beta, self.social.fixed = beta, fixed
        self.find_alike()

    cdef void find_alike(self) noexcept:
        if self.alike_at >= 0 and self.T != NULL:
            self.social.alike = <mf_alike *>&self.scalars[self.alike_at]

    def bind(self, dict users, dict items, scalars):
        TrustLearner.bind(self, users, items, scalars)
        self.find_alike()

    @property
    def adds_to_users(self):
        """Whether a user's vector is more than her row: that of a stranger is."""
        return True

    def alike(self):
        """How alike friends are in biases and in vectors, each from 0 to 1."""
        cdef mf_alike *a = self.social.alike
        return mf_slope(&self.social, a.bias_xy, a.bias_xx), mf_slope(&self.social, a.xy, a.xx)

    cdef void step_towards(self, int32_t u, int32_t i, const float *target, const float *offset,
                           const float *weight, bint count) noexcept nogil:
        cdef bint has_friends = u >= 0 and self.social.friends[u * <Py_ssize_t>self.social.most] != 0
        if has_friends:
            mf_meet(&self.m, &self.social, u, i, target[0], weight[0], count, self.row)
        MFOptionsLearner.step_towards(self, u, i, target, offset, weight, count)
        if has_friends:
            mf_pull_to_friends(&self.m, &self.social, u, weight[0], self.row)

    cdef void raw(self, const int32_t *u, int step_u, const int32_t *i, int step_i, Py_ssize_t n,
                  float *out) noexcept nogil:
        MFLearner.raw(self, u, step_u, i, step_i, n, out)
        mf_stranger_scores(&self.m, &self.social, u, step_u, i, step_i, n, out, self.answer)

    cdef void raw_row(self, int32_t u, Py_ssize_t first, Py_ssize_t n, float *out) noexcept nogil:
        cdef int32_t items[TILE]
        cdef Py_ssize_t j
        if u < 0 or self.m.SU[u].n != 0:
            MFLearner.raw_row(self, u, first, n, out)
            return
        for j in range(n):
            items[j] = <int32_t>(first + j)
        mf_stranger_scores(&self.m, &self.social, &u, 0, items, 1, n, out, self.answer)

    cdef void whole_vector(self, int32_t u, float *out) noexcept nogil:
        cdef Py_ssize_t f
        cdef float bias
        if self.m.SU[u].n == 0:
            mf_stranger(&self.m, &self.social, u, out, &bias)
            return
        for f in range(self.m.stride):
            out[f] = self.m.P[u * self.m.stride + f]
