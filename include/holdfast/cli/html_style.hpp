// cli/html_style.hpp - how our pages look: one style for all, light and dark, from a phone to a wide screen.
//
// Text has a contrast of at least 4.5 to its ground in both schemes, and no colour is the only sign of anything. Blue, orange and
// vermilion are told apart by people who do not see red and green (Okabe and Ito).
#pragma once

namespace holdfast::cli {

inline constexpr const char* kHtmlStyle = R"CSS(
:root {
  --ground: #f6f7f8; --card: #fff; --text: #1b1f24; --soft: #57606a; --line: #dfe2e6; --quiet: #e7eaee;
  --blue: #0969b8; --blue-2: #5fa8dd; --blue-3: #b5d7f0; --orange: #c77700; --red: #c8401a; --green: #00805a; --grey: #8a929c; --violet: #7b51b8;
  --healthy: #0f6b3c; --healthy-ground: #e6f4ec; --degraded: #7a4d00; --degraded-ground: #fdf2d9;
  --unhealthy: #a3260f; --unhealthy-ground: #fdebe6; --unknown: #4a525c; --unknown-ground: #eceff2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101316; --card: #181c20; --text: #e4e7ea; --soft: #a2abb5; --line: #2c3238; --quiet: #262b31;
    --blue: #6cb6f5; --blue-2: #2f7fc0; --blue-3: #1d4a70; --orange: #e6a23c; --red: #f2845c; --green: #3fbf8f; --grey: #7d8690; --violet: #b598ee;
    --healthy: #7ddba3; --healthy-ground: #13291d; --degraded: #f0c46a; --degraded-ground: #2d2410;
    --unhealthy: #ff9d85; --unhealthy-ground: #34170f; --unknown: #c3cad2; --unknown-ground: #22272d;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif;
  overflow-wrap: anywhere; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; font-weight: 650; }
h2 { font-size: 1.15rem; line-height: 1.3; margin: 0 0 .75rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; font-weight: 600; }
p { margin: 0 0 .75rem; }
.soft, caption, dt, footer { color: var(--soft); }
code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; }
section, .state { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.25rem; margin: 0 0 1rem; }
section > :last-child, .state > :last-child, li > :last-child { margin-bottom: 0; }
.healthy { --level: var(--healthy); --level-ground: var(--healthy-ground); }
.degraded { --level: var(--degraded); --level-ground: var(--degraded-ground); }
.unhealthy { --level: var(--unhealthy); --level-ground: var(--unhealthy-ground); }
.unknown { --level: var(--unknown); --level-ground: var(--unknown-ground); }
.state { display: flex; gap: 1rem; align-items: flex-start; background: var(--level-ground); border-color: var(--level); }
.state h1, .state p, .level { color: var(--level); }
.state p { margin: .35rem 0 0; }
.state > svg { flex: none; width: 2.6rem; height: 2.6rem; }
.icon { width: 1.05em; height: 1.05em; vertical-align: -.16em; margin-right: .35em; }
.icon, .state > svg { color: var(--level); }
.level { font-weight: 600; white-space: nowrap; }
.figures { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 1rem; margin: 0 0 1rem; padding: 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1rem; }
.figures dt { font-size: .875rem; }
.figures dd { margin: 0; }
.figures .value { font-size: 1.35rem; font-weight: 600; line-height: 1.35; font-variant-numeric: tabular-nums; }
.figures .soft { font-size: .8125rem; }
.figures .value.level { white-space: normal; }
.findings { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; }
.findings li { border-left: 4px solid var(--level); background: var(--level-ground); border-radius: 0 8px 8px 0; padding: .75rem 1rem; }
.findings p { margin: 0 0 .25rem; }
table { border-collapse: collapse; width: 100%; font-size: .9375rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 0 0 .5rem; font-size: .875rem; }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: middle; }
th:last-child, td:last-child { padding-right: 0; }
thead th { font-size: .8125rem; font-weight: 600; color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 600; }
tbody tr:last-child > * { border-bottom: 0; }
.number { text-align: right; padding-right: 1.25rem; white-space: nowrap; }
small { font-size: .8125rem; font-weight: 400; color: var(--soft); display: block; }
details { margin: .75rem 0 0; }
summary { cursor: pointer; color: var(--blue); width: fit-content; }
details > table, details > p { margin-top: .75rem; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--blue); outline-offset: 3px; border-radius: 3px; }
.spark { display: block; width: 8.5rem; height: 1.9rem; }
.bar { display: block; width: 100%; min-width: 8rem; height: .9rem; border-radius: 3px; }
.chart { display: block; width: 100%; height: 7rem; }
.line { fill: none; stroke: var(--blue); stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.area { fill: var(--blue-3); opacity: .55; }
.axis { stroke: var(--grey); stroke-width: 1; vector-effect: non-scaling-stroke; }
.limit { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 3 3; vector-effect: non-scaling-stroke; }
.blue { fill: var(--blue); background: var(--blue); }
.blue-2 { fill: var(--blue-2); background: var(--blue-2); }
.blue-3 { fill: var(--blue-3); background: var(--blue-3); }
.orange { fill: var(--orange); background: var(--orange); }
.red { fill: var(--red); background: var(--red); }
.green { fill: var(--green); background: var(--green); }
.grey { fill: var(--grey); background: var(--grey); }
.violet { fill: var(--violet); background: var(--violet); }
.quiet { fill: var(--quiet); background: var(--quiet); }
.hollow { fill: none; background: none; stroke: var(--grey); }
.mark { fill: none; stroke: var(--card); stroke-width: 1.6; }
.ends { display: flex; justify-content: space-between; gap: .5rem; color: var(--soft); font-size: .8125rem; margin: .2rem 0 .5rem; }
.keys { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: .6rem 0 0; padding: 0; font-size: .875rem; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem; vertical-align: -.08rem; }
.key.hollow { border: 1px solid var(--grey); }
.year { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; }
.year svg { flex: 1 1 19rem; min-width: 0; max-width: 30rem; height: auto; }
.year text { font-size: 9px; fill: var(--soft); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: .5rem 2.5rem; }
.columns h3 { margin-top: 0; }
footer { font-size: .875rem; padding: .5rem .25rem; }
@media (max-width: 44rem) {
  main { padding-top: 1rem; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .75rem; }
  .figures .value { font-size: 1.15rem; }
  h1 { font-size: 1.4rem; }
  section, .state { padding: 1rem; }
  table, caption, tbody, tr, tbody th, tbody td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  tbody tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  tbody th, tbody td { border: 0; padding: .15rem 0; }
  tbody td { display: flex; justify-content: space-between; align-items: center; gap: 1rem; text-align: right; white-space: normal; }
  tbody td::before { content: attr(data-label); color: var(--soft); font-size: .875rem; text-align: left; flex: none; max-width: 45%; }
  tbody .number { padding-right: 0; }
  tbody th.number { text-align: left; }
  [data-empty] { display: none; }
  .bar { width: 9rem; }
}
@media print { body { background: none; } section, .state { break-inside: avoid; } }
)CSS";

}  // namespace holdfast::cli
