"""
A new item sells on its first day
=================================

Who had what says nothing of an item that nobody had. Its name does: whoever bought the red tea towel may want
the red apron that came in this morning. This example opens a small shop, whose goods have names and nothing
else, and lists new goods every few days. Then it asks, before every sale, whether the good that is sold is on
the list of ten that the customer would have been shown: with one model of who had what, and with one of what
things are called.
"""

# %%
# The shop
# --------
# A good is a colour, a pattern and a thing, and has a style that its name does not tell.  Customers have taste in all
# four.  A third of the goods are there on the first day; the others are listed one by one, and sell from then on.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from skl_increc.content import ContentRidge
from skl_increc.neighbors import ItemKNN

rng = np.random.default_rng(0)
colours = ["red", "blue", "green", "ivory", "pink", "black"]
patterns = ["spotted", "striped", "floral", "plain"]
things = [
    "tea towel",
    "apron",
    "mug",
    "lantern",
    "cushion",
    "lunch bag",
    "clock",
    "candle",
    "doormat",
    "bowl",
]
parts = [(c, p, t) for c in range(6) for p in range(4) for t in range(10)]
rng.shuffle(parts)
names = [f"{colours[c]} {patterns[p]} {things[t]}" for c, p, t in parts]
kinds = np.array(parts)
listed = np.where(np.arange(240) < 80, 0, (np.arange(240) - 80) * 30)  # the sale before which each is listed

tastes = [rng.normal(0, 1.2, (200, n)) for n in (6, 4, 10)]
liking = sum(taste[:, kinds[:, part]] for part, taste in enumerate(tastes))
style = rng.integers(0, 6, 240)
liking += 3.0 * (rng.integers(0, 6, (200, 1)) == style)
sales = []
for sale in range(6000):
    customer = int(rng.integers(200))
    chance = np.exp(liking[customer]) * (listed <= sale)
    sales.append((customer, names[rng.choice(240, p=chance / chance.sum())]))
print(names[:3], sales[0])

# %%
# Learning along the stream
# -------------------------
# A name becomes numbers by hashing its words, which needs no vocabulary: words that nobody has used yet have their
# place.  ``set_item_features`` tells the model of a good in the morning, and it can be recommended at once.
words = HashingVectorizer(n_features=256, alternate_sign=False)
by_name, by_sales = ContentRidge(l2=1.0), ItemKNN()
sold = dict.fromkeys(names, 0)
waiting = sorted(range(240), key=listed.__getitem__)
hits = {"what it is called": [[] for _ in range(6)], "who had it": [[] for _ in range(6)]}
had = set()
for sale, (customer, name) in enumerate(sales):
    new = [item for item in waiting if listed[item] <= sale]
    if new:
        by_name.set_item_features(
            [names[item] for item in new], words.transform([names[item] for item in new])
        )
        waiting = waiting[len(new) :]
    if sale >= 1000 and (customer, name) not in had:
        age = min(sold[name] // 4 + (sold[name] > 0), 5)
        hits["what it is called"][age].append(name in by_name.recommend_one(customer, 10))
        hits["who had it"][age].append(name in by_sales.recommend_one(customer, 10))
    for model in (by_name, by_sales):
        model.learn_one({"user": customer, "item": name})
    sold[name] += 1
    had.add((customer, name))

# %%
# The first day
# -------------
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ages = ["never", "1 to 3", "4 to 7", "8 to 11", "12 to 15", "16 and more"]
for shift, (label, lists) in zip((-0.2, 0.2), hits.items(), strict=True):
    ax.bar(np.arange(6) + shift, [np.mean(part) for part in lists], 0.38, label=label)
ax.set_xticks(range(6), ages)
ax.set_xlabel("how often the good had been sold before")
ax.set_ylabel("share of sales that the list foresaw")
ax.legend(title="ten goods by")
for label, lists in hits.items():
    print(
        f"{label:18s} never sold before: {np.mean(lists[0]):.2f}   16 times and more: {np.mean(lists[5]):.2f}"
    )

# %%
# The name foresees the first sale as well as later ones.  Who had it begins to tell after some sales, and where there
# are many it tells more than any name.  A shop shows both: eight places of ten by who had what, and two that are kept
# for what is new, ``by_name.recommend_one(customer, 2, candidates=new_goods)``.
