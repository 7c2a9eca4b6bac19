"""How a page of results looks, on light and on dark screens."""

# p0 to p4 are an ordered scale, for percentiles; c1 to c6 tell things apart.
STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --dim: #656d76; --rule: #d8dee4; --paper: #ffffff;
  --p0: #8cc4f5; --p1: #4f9be0; --p2: #2374c4; --p3: #134f8f; --p4: #b42318;
  --c1: #2374c4; --c2: #d9822b; --c3: #6e7781; --c4: #b42318; --c5: #2e8b57; --c6: #8250df; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #8b949e; --rule: #30363d; --paper: #0d1117;
  --p0: #1f5a94; --p1: #2f81d6; --p2: #58a6ff; --p3: #a5d0ff; --p4: #ff7b72;
  --c1: #58a6ff; --c2: #f0a050; --c3: #8b949e; --c4: #ff7b72; --c5: #56c288; --c6: #bc8cff; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1360px; margin: 0 auto; padding: 24px; }
h1 { font-size: 22px; } h2 { font-size: 16px; margin: 28px 0 8px; }
.row { display: flex; flex-wrap: wrap; gap: 24px; }
figure { flex: 1 1 480px; max-width: 800px; margin: 20px 0 0; }
figcaption { font-weight: 600; }
.key { font-weight: 400; color: var(--dim); margin-left: 14px; white-space: nowrap; }
.key i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px; }
svg { width: 100%; height: auto; display: block; }
.tick { font-size: 11px; fill: var(--dim); } .name { font-size: 12px; fill: var(--ink); }
.grid { stroke: var(--rule); } .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
table { border-collapse: collapse; margin-top: 12px; }
th, td { text-align: right; padding: 3px 14px 3px 0; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; }
th { color: var(--dim); font-weight: 600; } td:first-child, th:first-child { text-align: left; }
td.good { color: var(--c5); } td.bad { color: var(--c4); } .remark { color: var(--c4); }
""" + "".join(
    f".line.{name} {{ stroke: var(--{name}); }} .fill.{name}, .dot.{name} {{ fill: var(--{name}); }} "
    f".key i.{name} {{ background: var(--{name}); }}\n"
    for name in ("p0", "p1", "p2", "p3", "p4", "c1", "c2", "c3", "c4", "c5", "c6"))
