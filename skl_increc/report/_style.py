"""How a page looks, on screens of any width and on paper."""

from __future__ import annotations

__all__ = ["CSS"]

CSS = """
:root { color-scheme: light dark; --page: #f4f4f2; --card: #fff; --ink: #1c1c1c; --soft: #555; --rule: #e2e2de;
  --row: #ececea; --best: #f7fafc; --note: #eaf2f7; --mark: #0072b2; --edge: #999; --grid: #e5e5e5; --axis: #444;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #56b4e9; --c5: #b8860b; --c6: #332288;
  --c7: #882255; --g0: #555; --g1: #888; --g2: #b0b0b0; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #16181b; --card: #1f2226; --ink: #e8e8e6; --soft: #a9adb3;
  --rule: #343940; --row: #2b2f35; --best: #262b31; --note: #1d2b36; --mark: #56b4e9; --edge: #777; --grid: #33373d;
  --axis: #b9bdc3; --c0: #4ea6dd; --c1: #f0823c; --c2: #2fc79a; --c3: #e09cc2; --c4: #8fd0f7; --c5: #dcae3e;
  --c6: #9a8cf0; --c7: #d2709f; --g0: #b5b5b5; --g1: #8c8c8c; --g2: #6b6b6b; } }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0 .75rem; }
h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; }
p { margin: .5rem 0; max-width: 48rem; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: 1.1rem 1.25rem;
  margin: 1.25rem 0; }
ul.short { background: var(--note); border-left: 4px solid var(--mark); margin: 1rem 0;
  padding: .7rem 1rem .7rem 2rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; width: 100%; }
table.plain { width: auto; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--row); white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--rule); }
tbody th { font-weight: 500; }
section:not(.models) table:not(.plain) tbody tr:first-child { font-weight: 700; background: var(--best); }
section:not(.models) table:not(.plain) tbody tr:first-child th { font-weight: 700; }
.models td, .models thead th:not(:first-child) { text-align: center; }
.models td:last-child, .models thead th:last-child { text-align: left; white-space: normal;
  min-width: 18rem; width: 60%; }
.models tbody th, .models td { vertical-align: top; }
.swatch { margin-right: .5rem; vertical-align: middle; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1rem;
  margin-top: 1rem; }
figure { margin: 0; }
figure svg { width: 100%; height: auto; }
figcaption { font-size: .88rem; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0;
  font-size: .95rem; }
dt { color: var(--soft); }
dd { margin: 0; }
code { font: .85rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.terms { font-size: .88rem; color: var(--soft); }
@media print { body { background: #fff; } section { break-inside: avoid; border: 0; padding: 0; } }
"""
