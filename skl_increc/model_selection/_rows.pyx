# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Rows of a table, and events of a River stream, as events: user, item, moment, x, y, w."""
from cpython.dict cimport PyDict_Copy, PyDict_SetItem
from cpython.list cimport PyList_GET_ITEM
from cpython.long cimport PyLong_CheckExact
from cpython.unicode cimport PyUnicode_CheckExact

from skl_increc._state.ids import canonical


cdef inline object id_of(object value):
    if PyLong_CheckExact(value) or PyUnicode_CheckExact(value):
        return value
    return canonical(value)


def rows_of(list names, list cells, Py_ssize_t start, Py_ssize_t stop, user_at, item_at, moments, y, w):
    """Events of some rows.

    Parameters
    ----------
    names : list
        Of the columns, the keys of every x.
    cells : list of list
        Their values, a list a column.
    start, stop : int
        The rows.
    user_at, item_at : int
        Places of the ids among the columns.
    moments, y, w : list or None
        A value for each row; None: None for all.

    Returns
    -------
    list of tuple
    """
    cdef Py_ssize_t row, at, n_columns = len(names), u = user_at, i = item_at
    cdef dict empty = dict.fromkeys(names), x
    cdef list column, times = moments, truths = y, weights = w, found = []
    for row in range(start, stop):
        x = PyDict_Copy(empty)
        for at in range(n_columns):
            column = <list>PyList_GET_ITEM(cells, at)
            PyDict_SetItem(x, names[at], <object>PyList_GET_ITEM(column, row))
        found.append((
            id_of((<list>cells[u])[row]),
            id_of((<list>cells[i])[row]),
            None if times is None else times[row],
            x,
            None if truths is None else truths[row],
            None if weights is None else weights[row],
        ))
    return found
