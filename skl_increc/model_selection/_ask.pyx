# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One model goes through a block of questions and lessons, and its answers are counted."""
from cpython.float cimport PyFloat_AS_DOUBLE, PyFloat_CheckExact
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM
from cpython.object cimport PyObject_RichCompareBool, Py_EQ
from libc.math cimport NAN, fabs
from libc.stdint cimport int32_t

import time

import numpy as np

from ._plan cimport ASK, Plan

cdef extern from *:
    """
    /* rounded by itself: no compiler may join it with a sum, which rounds only once */
    static inline double rounded_product(double a, double b) {
        volatile double product = a * b;
        return product;
    }
    """
    double rounded_product(double a, double b) nogil


def go(Plan plan, Py_ssize_t start, Py_ssize_t stop, ask, teach, list answers):
    """Questions and lessons from `start` to before `stop`; what is said goes to `answers`."""
    cdef Py_ssize_t at
    cdef object x, y, w
    for at in range(start, min(stop, len(plan.xs))):
        x, y = <object>PyList_GET_ITEM(plan.xs, at), <object>PyList_GET_ITEM(plan.ys, at)
        w = <object>PyList_GET_ITEM(plan.ws, at)
        if y is ASK:
            answers.append(ask(x))
        elif w is None:
            teach(x, y)
        else:
            teach(x, y, w=w)


def go_timed(Plan plan, Py_ssize_t start, Py_ssize_t stop, ask, teach, list answers):
    """As `go`; returns the nanoseconds of each question and of each lesson."""
    cdef Py_ssize_t at
    cdef list asking = [], teaching = []
    cdef object begin, end, clock = time.perf_counter_ns
    for at in range(start, min(stop, len(plan.xs))):
        begin = clock()
        go(plan, at, at + 1, ask, teach, answers)
        end = clock()
        (asking if <object>PyList_GET_ITEM(plan.ys, at) is ASK else teaching).append(end - begin)
    return asking, teaching


def count_errors(list truths, list answers, Py_ssize_t n, double mse, double mae):
    """Go on with the running means of squared and absolute errors, by River's own recurrence.

    Returns
    -------
    (int, float, float, ndarray)
        How many answers there are by now, the means, and the error of each question, NaN without an answer
        (None).
    """
    cdef Py_ssize_t at
    cdef double error, share
    cdef object truth, answer
    cdef object found = np.empty(len(answers))
    cdef double[::1] errors = found
    for at in range(len(answers)):
        truth, answer = <object>PyList_GET_ITEM(truths, at), <object>PyList_GET_ITEM(answers, at)
        if answer is None:              # River skips these, too
            errors[at] = NAN
            continue
        if PyFloat_CheckExact(truth) and PyFloat_CheckExact(answer):
            error = PyFloat_AS_DOUBLE(truth) - PyFloat_AS_DOUBLE(answer)
        else:
            error = truth - answer
        errors[at] = error
        n += 1
        share = 1.0 / n
        mse += rounded_product(share, rounded_product(error, error) - mse)
        mae += rounded_product(share, fabs(error) - mae)
    return n, mse, mae, found


def count_places(list truths, list answers, Py_ssize_t n_items, list counts, int miss, int skipped):
    """The place (from 0) of each item asked for in its list, `miss` or `skipped`; hits go to `counts`.

    Returns
    -------
    (int, ndarray of int32)
        How many of the items were asked in a list that was given, and the places.
    """
    cdef Py_ssize_t at, j, n = 0, m = 0, k = len(counts), place
    cdef list items, ranked
    cdef object found = np.empty(n_items, np.int32)
    cdef int32_t[::1] places = found
    for at in range(len(answers)):
        items = <list>PyList_GET_ITEM(truths, at)
        answer = <object>PyList_GET_ITEM(answers, at)
        if answer is None:
            for _ in range(len(items)):
                places[m] = skipped
                m += 1
            continue
        ranked = answer if PyList_CheckExact(answer) else list(answer)
        for j in range(len(items)):
            place = place_of(<object>PyList_GET_ITEM(items, j), ranked, k)
            if place >= 0:
                counts[place] += 1
            places[m] = place if place >= 0 else miss
            m += 1
        n += len(items)
    return n, found


cdef Py_ssize_t place_of(object item, list ranked, Py_ssize_t k) except -2:
    """The place of an item among the first `k` of a list; -1 if it is not there."""
    cdef Py_ssize_t at
    for at in range(min(k, len(ranked))):
        if PyObject_RichCompareBool(<object>PyList_GET_ITEM(ranked, at), item, Py_EQ):
            return at
    return -1
