"""Running all checks of a model, by hand or with pytest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from unittest import SkipTest

from skl_increc.checks._suites import SUITES, Check, yield_checks

__all__ = ["check_estimator", "parametrize_with_checks"]


def check_estimator(
    model: Any, *, suites: Iterable[str] = SUITES, on_fail: str | None = "raise"
) -> list[dict[str, Any]]:
    """Check that a model keeps the contract: scikit-learn's suite, River's, and ours.

    Ours test what ``model.guarantees()`` states, no less.  Set the environment variable
    ``SCIPY_ARRAY_API=1`` before scipy is imported, or scikit-learn skips one of its checks.

    Parameters
    ----------
    model : estimator
        Unfitted; it is not touched.
    suites : iterable of {"sklearn", "river", "ours"}
        Which suites.
    on_fail : {"raise", None}
        "raise": the first failure is raised, with a note that names the check.  None: all are run.

    Returns
    -------
    list of dict
        One a check: "suite", "check", "status" ("passed", "failed", "xfail" or "skipped") and
        "exception" (None where it passed).

    Raises
    ------
    AssertionError
        Or whatever the first failing check raised.
    ImportError
        If hypothesis or pandas is missing; both come with the extra ``test``.

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.checks import check_estimator
    >>> results = check_estimator(Popularity(), suites=["river"])
    >>> {result["status"] for result in results}
    {'passed'}
    """
    if on_fail not in ("raise", None):
        raise ValueError(f"on_fail must be 'raise' or None; got {on_fail!r}.")
    return [_result(check, model, on_fail) for check in yield_checks(model, suites=suites)]


def _result(check: Check, model: Any, on_fail: str | None) -> dict[str, Any]:
    status = "passed"
    failure: Exception | None = None
    try:
        check()
    except SkipTest as error:
        status, failure = "skipped", error
    except Exception as error:
        status, failure = "failed" if check.expected_to_fail is None else "xfail", error
        if status == "failed" and on_fail == "raise":
            error.add_note(f"In {check.name} ({check.suite}) of {model!r}.")
            raise
    return {"suite": check.suite, "check": check.name, "status": status, "exception": failure}


def parametrize_with_checks(models: Sequence[Any], *, suites: Iterable[str] = SUITES) -> Any:
    """A pytest decorator: the test gets one `check` after the other, of all these models, and calls it.

    Parameters
    ----------
    models : sequence of estimators
    suites : iterable of {"sklearn", "river", "ours"}

    Returns
    -------
    pytest.MarkDecorator

    Examples
    --------
    >>> from skl_increc.baselines import Popularity
    >>> from skl_increc.checks import parametrize_with_checks
    >>> @parametrize_with_checks([Popularity(), Popularity(half_life=100)])
    ... def test_popularity(check):
    ...     check()
    """
    try:
        import pytest
    except ImportError as error:
        raise ImportError('parametrize_with_checks needs pytest: pip install "skl_increc[test]"') from error
    cases = []
    suites = tuple(suites)
    for model in models:
        for check in yield_checks(model, suites=suites):
            marks = [pytest.mark.xfail(reason=check.expected_to_fail)] if check.expected_to_fail else []
            cases.append(pytest.param(check, id=f"{model!r}-{check.suite}-{check.name}", marks=marks))
    return pytest.mark.parametrize("check", cases)
