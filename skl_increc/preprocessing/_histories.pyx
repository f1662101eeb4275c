# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The retained events of every key of one kind, such as of every user, each key's in order of time."""
from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

cdef enum:
    FIRST_ROOM = 4


cdef inline int64_t packed(int64_t a, int64_t b) noexcept nogil:
    return (a << 32) | b


cdef class Histories:
    """Rings of events by key.

    Parameters
    ----------
    first, second : int
        Columns whose codes are the key; -1: there is no second.
    other : int
        Column of the counterpart, of which the distinct ones are counted.
    most : int
        Events that a key keeps at most, the newest; 0: all.
    links : bool
        Whether distinct counterparts are asked for.
    """

    def __cinit__(self, int first, int second, int other, Py_ssize_t most, bint links):
        self.first, self.second, self.other = first, second, other
        self.most, self.links = most, links
        self.keys, self.last, self.free = IntTable(), IntTable(), []

    def __dealloc__(self):
        cdef Py_ssize_t row
        for row in range(self.n_rings):
            free(self.rings[row].ev)
        free(self.rings)

    cdef Py_ssize_t find(self, const int32_t *codes) noexcept nogil:
        """The ring of a key; -1 for a key that is unknown or incomplete."""
        cdef Py_ssize_t row = codes[self.first]
        if row < 0 or (self.second >= 0 and codes[self.second] < 0):
            return -1
        if self.second >= 0:
            row = self.keys.find(packed(row, codes[self.second]))
        return row if row < self.n_rings else -1

    cdef Py_ssize_t make_room(self, const int32_t *codes) except -2:
        """The ring of a key, new if need be, with room for one more event; -1 for an incomplete key.

        On error nothing that can be seen has changed.
        """
        cdef Py_ssize_t row = self.find(codes), room
        cdef SklRing *ring
        cdef void *block
        if row < 0:
            if codes[self.first] < 0 or (self.second >= 0 and codes[self.second] < 0):
                return -1
            if self.second < 0:
                row = codes[self.first]
            else:
                self.keys.reserve(self.keys.n + 1)
                row = self.free[len(self.free) - 1] if self.free else self.n_rings
            if row >= self.room:
                room = max(2 * self.room, row + 1, 16)
                block = realloc(self.rings, room * sizeof(SklRing))
                if block == NULL:
                    raise MemoryError("no memory for the history of a new key")
                self.rings, self.room = <SklRing *>block, room
            while self.n_rings <= row:
                memset(&self.rings[self.n_rings], 0, sizeof(SklRing))
                self.n_rings += 1
            if self.second >= 0:
                if self.free:
                    self.free.pop()
                self.keys.enter(packed(codes[self.first], codes[self.second]), row)
        ring = &self.rings[row]
        if self.links:
            self.last.reserve(self.last.n + 1)
        if ring.end == ring.room:
            if ring.start > ring.room // 2:
                skl_ring_compact(ring)
                self.place_last(row)
            else:
                room = max(2 * <Py_ssize_t>ring.room, <Py_ssize_t>FIRST_ROOM)
                if room > 0x7FFFFFF0:
                    raise OverflowError("a key holds at most 2**31 events: set max_events")
                block = realloc(ring.ev, room * sizeof(SklEvent))
                if block == NULL:
                    raise MemoryError("no memory for the history of a key")
                ring.ev, ring.room = <SklEvent *>block, <int32_t>room
        return row

    cdef void place_last(self, Py_ssize_t row) noexcept:
        """Write anew where the newest event with each counterpart is, after they moved."""
        cdef SklRing *ring = &self.rings[row]
        cdef int32_t j
        if not self.links:
            return
        for j in range(ring.start, ring.end):
            if ring.ev[j].other >= 0 and ring.ev[j].next == SKL_LAST:
                self.last.drop(packed(row, ring.ev[j].other))
                self.last.enter(packed(row, ring.ev[j].other), j)

    cdef int append(self, Py_ssize_t row, double time, double y, int32_t other) except -1:
        """One more event of a ring that has room, where its time belongs."""
        cdef SklRing *ring = &self.rings[row]
        cdef int32_t at = ring.end
        if at > ring.start and ring.ev[at - 1].time > time:
            while at > ring.start and ring.ev[at - 1].time > time:
                at -= 1
            if at == ring.start and self.most and ring.end - ring.start >= self.most:
                ring.lag += 1            # older than all that the cap lets stay
                return 0
            skl_ring_insert(ring, at, time, y, other)
            self.link(row)
        else:
            ring.ev[at].time, ring.ev[at].y, ring.ev[at].other = time, y, other
            ring.ev[at].total = y + (ring.ev[at - 1].total if at > ring.start else ring.before)
            ring.end += 1
            if self.links:
                self.link_one(row, at)
        if self.most and ring.end - ring.start > self.most:
            self.pop(row)
            ring.lag += 1
        return 0

    cdef void link_one(self, Py_ssize_t row, int32_t at) noexcept:
        """Tie an event to the one before it with the same counterpart."""
        cdef SklEvent *ev = self.rings[row].ev
        cdef int64_t key = packed(row, ev[at].other)
        cdef Py_ssize_t prev
        ev[at].next, ev[at].prev = SKL_LAST, -1
        if ev[at].other < 0:
            return
        prev = self.last.find(key)
        if prev >= 0:
            ev[at].prev = <int32_t>prev
            ev[prev].next = at
            self.last.drop(key)
        self.last.enter(key, at)

    cdef int link(self, Py_ssize_t row) except -1:
        """Tie all events of a ring anew, after one came in between."""
        cdef SklRing *ring = &self.rings[row]
        cdef int32_t j
        memset(ring.cursor, 0, sizeof(ring.cursor))
        for j in range(SKL_MOST_WINDOWS):
            ring.cursor[j].s = ring.cursor[j].e = ring.start
        if not self.links:
            return 0
        for j in range(ring.start, ring.end):
            if ring.ev[j].other >= 0 and self.last.find(packed(row, ring.ev[j].other)) >= 0:
                self.last.drop(packed(row, ring.ev[j].other))
        for j in range(ring.start, ring.end):
            self.link_one(row, j)
        return 0

    cdef int pop(self, Py_ssize_t row) except -1:
        """Let the oldest event of a ring go."""
        cdef SklRing *ring = &self.rings[row]
        cdef SklEvent *ev = &ring.ev[ring.start]
        if self.links and ev.other >= 0 and ev.next == SKL_LAST:
            self.last.drop(packed(row, ev.other))
        skl_ring_pop(ring)
        return 0

    cdef int expire_one(self, Py_ssize_t row, const int32_t *codes) except -1:
        """The oldest event of the log leaves; so it does here, if the cap has not been quicker."""
        cdef SklRing *ring = &self.rings[row]
        if ring.lag:
            ring.lag -= 1
        else:
            self.pop(row)
        if ring.start < ring.end or ring.lag:
            return 0
        free(ring.ev)
        memset(ring, 0, sizeof(SklRing))
        if self.second >= 0:
            self.keys.drop(packed(codes[self.first], codes[self.second]))
            self.free.append(row)
        return 0

    @property
    def nbytes(self):
        """Bytes of rings and tables."""
        cdef Py_ssize_t row, total = self.n_rings * sizeof(SklRing) + 8 * len(self.free)
        for row in range(self.n_rings):
            total += self.rings[row].room * sizeof(SklEvent)
        return total + 16 * (self.keys.slots + self.last.slots)
