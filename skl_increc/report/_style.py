"""How a page looks, on screens of any width and on paper."""

from __future__ import annotations

__all__ = ["CSS"]

CSS = """
:root { color-scheme: light; }
body { margin: 0; background: #f4f4f2; color: #1c1c1c;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0 .75rem; }
h2 { font-size: 1.15rem; margin: 0 0 .75rem; }
p { margin: .5rem 0; max-width: 48rem; }
section { background: #fff; border: 1px solid #e2e2de; border-radius: 6px; padding: 1.1rem 1.25rem;
  margin: 1.25rem 0; }
ul.short { background: #eaf2f7; border-left: 4px solid #0072b2; margin: 1rem 0;
  padding: .7rem 1rem .7rem 2rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; width: 100%; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #ececea; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
thead th { color: #555; font-weight: 600; border-bottom: 2px solid #d5d5d0; }
tbody th { font-weight: 500; }
section:not(.models) tbody tr:first-child { font-weight: 700; background: #f7fafc; }
section:not(.models) tbody tr:first-child th { font-weight: 700; }
.models td, .models thead th:not(:first-child) { text-align: center; }
.models td:last-child, .models thead th:last-child { text-align: left; white-space: normal;
  min-width: 18rem; width: 60%; }
.models tbody th, .models td { vertical-align: top; }
.swatch { margin-right: .5rem; vertical-align: middle; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem;
  margin-top: 1rem; }
figure { margin: 0; }
figure svg { width: 100%; height: auto; }
figcaption { font-size: .88rem; color: #555; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0;
  font-size: .95rem; }
dt { color: #555; }
dd { margin: 0; }
code { font: .85rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.terms { font-size: .88rem; color: #444; }
@media print { body { background: #fff; } section { break-inside: avoid; border: 0; padding: 0; } }
"""
