"""How the page of a suite looks: light and dark, on paper too, with the fonts that the reader has."""

STYLE = """
:root{color-scheme:light dark;--ink:#16202b;--dim:#586573;--line:#dbe1e8;--paper:#f6f8fa;--card:#fff;--soft:#eef2f6;
--good:#116932;--good-soft:#dff3e6;--bad:#b3261e;--bad-soft:#fde7e5;--open:#7a5200;--open-soft:#fdf1d3;--accent:#2457c5;--accent-soft:#e6edfb}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf2;--dim:#a3b0bd;--line:#2e3843;--paper:#0f1419;--card:#171e26;--soft:#1f2832;
--good:#6fdd94;--good-soft:#16351f;--bad:#ff9a92;--bad-soft:#43201e;--open:#f0c463;--open-soft:#3b2f12;--accent:#8fb4ff;--accent-soft:#1b2a47}}
*{box-sizing:border-box}html{scroll-behavior:smooth}
body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--paper);margin:0}
main,header.top{max-width:66rem;margin:0 auto;padding:0 1.25rem}header.top{padding-top:2.25rem}main{padding-bottom:4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0;letter-spacing:-.01em}h2{font-size:1.15rem;margin:2.5rem 0 .75rem}h3{font-size:1rem;margin:0}
h4{font-size:.8rem;letter-spacing:.05em;text-transform:uppercase;color:var(--dim);margin:1.4rem 0 .4rem;font-weight:600}
p{margin:.35rem 0}a{color:var(--accent)}.dim{color:var(--dim)}.small{font-size:.87em}.num{font-variant-numeric:tabular-nums;white-space:nowrap}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.4rem .8rem;border-radius:6px}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
.badge{display:inline-block;font-size:.8rem;font-weight:650;line-height:1;padding:.35em .65em;border-radius:99px;white-space:nowrap;vertical-align:.12em}
h1 .badge{font-size:.95rem;margin-left:.4rem;vertical-align:.25em}
.pass{color:var(--good);background:var(--good-soft)}.fail,.error{color:var(--bad);background:var(--bad-soft)}.cannot_tell{color:var(--open);background:var(--open-soft)}
.plain{color:var(--dim);background:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:.75rem;margin:1.4rem 0 0}
.tiles div,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.85rem 1rem}
.tiles dt{color:var(--dim);font-size:.85rem}.tiles dd{margin:.1rem 0 0;font-size:1.55rem;font-weight:650;letter-spacing:-.01em;line-height:1.25}
.tiles dd small{display:block;font-size:.8rem;font-weight:400;color:var(--dim);letter-spacing:0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;color:var(--dim);font-size:.87em;padding:0 0 .4rem}
th,td{text-align:left;padding:.5rem .7rem;border-bottom:1px solid var(--line);vertical-align:top}tbody tr:last-child>*{border-bottom:0}
thead th{color:var(--dim);font-weight:600;font-size:.85rem}tbody th{font-weight:500}
.range{position:relative;display:block;width:9rem;height:.5rem;border-radius:9px;background:var(--soft);margin-top:.5rem}
.range i{position:absolute;top:0;bottom:0;border-radius:9px;background:var(--accent);opacity:.35;min-width:3px}
.range b{position:absolute;top:-.2rem;bottom:-.2rem;width:4px;margin-left:-2px;border-radius:3px;background:var(--accent)}
.range.then i,.range.then b{background:var(--dim)}
.chips{list-style:none;display:flex;flex-wrap:wrap;gap:.4rem;margin:.2rem 0 0;padding:0}
.chips li{border-radius:7px;padding:.25rem .6rem;font-size:.87rem;background:var(--soft);overflow-wrap:anywhere}.chips li.never{background:none;border:1px dashed var(--open);color:var(--open)}
.case{margin-top:1.5rem}.case>header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:baseline;margin-bottom:.5rem}
details{background:var(--card);border:1px solid var(--line);border-radius:10px;margin:.5rem 0}
summary{cursor:pointer;padding:.6rem 1rem;border-radius:10px}summary:hover{background:var(--soft)}summary .dim{margin-left:.5rem}
.run{padding:0 1rem 1rem}
.demands{list-style:none;margin:0;padding:0}.demands>li{display:grid;grid-template-columns:6.6rem 1fr;gap:.75rem;padding:.45rem 0;border-top:1px solid var(--line)}.demands>li:first-child{border-top:0}
.demands>li>div{min-width:0;overflow-wrap:anywhere}.demands>li>div>p:first-child{margin-top:0}
blockquote{margin:.3rem 0;padding:.1rem 0 .1rem .7rem;border-left:3px solid var(--line);color:var(--dim)}
.talk{list-style:none;margin:0;padding:0;display:flex;flex-direction:column;gap:.45rem;overflow-wrap:anywhere}
.talk li{max-width:82%;padding:.5rem .8rem;border-radius:12px;background:var(--soft);align-self:flex-start;border-bottom-left-radius:3px}
.talk li.agent{align-self:flex-end;background:var(--accent-soft);border-radius:12px 12px 3px 12px}
.talk li.line{align-self:center;max-width:100%;background:none;border:1px dashed var(--line);color:var(--dim);border-radius:8px;font-size:.9em;padding:.3rem .8rem}
.talk .who{display:block;font-size:.75rem;color:var(--dim);line-height:1.3}.talk li.apart{outline:2px solid var(--open);outline-offset:1px}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
audio{width:100%;margin-top:.3rem}
.lanes{position:relative;display:grid;grid-template-columns:3.6rem 1fr;gap:.25rem .6rem;align-items:center;font-size:.8rem;color:var(--dim)}
.lane{position:relative;height:1.05rem;background:var(--soft);border-radius:4px;overflow:hidden}
.lane i{position:absolute;top:0;bottom:0;border-radius:3px;min-width:2px;background:var(--dim)}.lane.agent i{background:var(--accent)}.lane i.tool{background:var(--open);width:3px}
.axis{display:flex;justify-content:space-between}
.fall td{padding:.3rem .7rem}.fall td:last-child{width:68%;vertical-align:middle}
.bar{display:flex;height:.95rem;border-radius:4px;overflow:hidden}.bar i{display:block;min-width:1px}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem .9rem;margin:.5rem 0 0;padding:0;font-size:.8rem;color:var(--dim)}
.legend i{display:inline-block;width:.7rem;height:.7rem;border-radius:3px;margin-right:.3rem;vertical-align:-.05rem}
.s-pause{background:#8a97a5}.s-words{background:#3f86d8}.s-verdict{background:#7d6be0}.s-commit{background:#b765cf}.s-token{background:#e0644a}
.s-sentence{background:#dd9a2b}.s-audio{background:#57a857}.s-sent{background:#2fa39a}.s-queue{background:#a9745a}.s-line{background:#5f6b78}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:1rem}@media(max-width:44rem){.pair{grid-template-columns:1fr}.demands>li{grid-template-columns:1fr;gap:.2rem}.talk li{max-width:95%}}
.pair>div{min-width:0}.pair h4{margin-top:.4rem}
@media print{body{background:#fff}details>*{display:block}audio{display:none}.tiles div,.card,details{break-inside:avoid}}
"""
