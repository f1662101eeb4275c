"""What trec_eval, through ir-measures, says of some lists.

``metrics/trec_eval.json`` holds its values for cases drawn once, so that they are compared where ir-measures is not
installed; ``python tests/trec_eval.py`` (with ir-measures 0.4) writes it.
"""

import json
import random
from pathlib import Path

__all__ = ["GOLDEN", "values"]

GOLDEN = Path(__file__).parent / "metrics" / "trec_eval.json"


def values(lists, truths, k):
    """Name -> mean over the lists that have a truth; all 0 if none of these lists has an item."""
    import ir_measures as measures

    asked = {
        "ndcg": measures.nDCG @ k,
        "recall": measures.R @ k,
        "precision": measures.P @ k,
        "hit_rate": measures.Success @ k,
        "mrr": measures.RR @ k,
        "map": measures.AP @ k,
    }
    wanted = {str(n): {str(item): 1 for item in truth} for n, truth in enumerate(truths) if truth}
    run = {
        str(n): {str(item): float(-place) for place, item in enumerate(ranked)}
        for n, ranked in enumerate(lists)
        if ranked
    }
    found = measures.calc_aggregate(list(asked.values()), wanted, run) if run else {}
    return {name: found.get(measure, 0.0) for name, measure in asked.items()}


def main():
    """Draw the cases: short and empty lists, empty truths, k below and beyond the catalogue."""
    draw, cases = random.Random(0), []
    while len(cases) < 60:
        n, catalogue = draw.randint(1, 6), range(draw.choice([1, 4, 12]))
        lists = [draw.sample(catalogue, draw.randint(0, len(catalogue))) for _ in range(n)]
        truths = [sorted(draw.sample(catalogue, draw.randint(0, len(catalogue)))) for _ in range(n)]
        k = draw.choice([1, 2, 5, 10, 20])
        if any(truths):
            cases.append({"lists": lists, "truths": truths, "k": k, "values": values(lists, truths, k)})
    GOLDEN.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
