// look_at_page.mjs [--pictures FOLDER] FILE... - opens pages in Chromium as people would, and says what is wrong with them.
//
// Each file is opened light and dark, on a phone (360 px) and a desk (1280 px), with JavaScript and without. Wrong is: a message on the
// console, a dialog, a request to anything but the file, a script that ran, a page wider than its window, a broken rule of axe-core (WCAG
// 2.2 A and AA, and its best practices). Prints one line per problem; the exit code is 1 if there was one.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const windows = { phone: { width: 360, height: 740 }, desk: { width: 1280, height: 900 } };
const views = [];
for (const colorScheme of ["light", "dark"])
  for (const device of Object.keys(windows))
    for (const javaScriptEnabled of [true, false]) views.push({ colorScheme, device, javaScriptEnabled });

function parseArguments(words) {
  const options = { pictures: null, files: [] };
  while (words.length > 0) {
    const word = words.shift();
    if (word === "--pictures") options.pictures = words.shift();
    else options.files.push(word);
  }
  if (options.files.length === 0 || options.pictures === undefined)
    throw new Error("usage: look_at_page.mjs [--pictures FOLDER] FILE...");
  return options;
}

// Everything that the page does although it should only be there.
function watch(page, url, problems) {
  page.on("console", (message) => problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) problems.push(`request: ${request.url()}`);
  });
}

// What is wider than the window, the innermost first: a box, or text that leaves its own.
const findWide = () => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > room + 0.5);
  return [`the page is ${document.documentElement.scrollWidth} px wide, the window ${room}: ` +
    wide.slice(-3).map((e) => `<${e.localName} class="${e.getAttribute("class") ?? ""}">`).join(" ")];
};

// Only what the policy of the page lets in may have come out of a name.
const findForeign = () => [...document.querySelectorAll("script, iframe, object, embed, img, form, [onerror], [onclick], [onload]")]
  .map((e) => `the page has <${e.localName}>`);

async function askAxe(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `axe: ${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`));
}

async function look(browser, file, view, pictures) {
  const url = pathToFileURL(resolve(file)).href;
  const { colorScheme, device, javaScriptEnabled } = view;
  const context = await browser.newContext({ colorScheme, javaScriptEnabled, viewport: windows[device], isMobile: device === "phone",
    hasTouch: device === "phone", deviceScaleFactor: device === "phone" ? 2 : 1 });
  const problems = [];
  try {
    context.setDefaultTimeout(180_000); // a busy machine is no fault of the page
    const page = await context.newPage();
    watch(page, url, problems);
    await page.goto(url, { waitUntil: "load" });
    problems.push(...await page.evaluate(findWide), ...await page.evaluate(findForeign));
    if (pictures !== null && javaScriptEnabled) {
      const name = `${basename(file, ".html")}-${device}-${colorScheme}`;
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    }
    if (javaScriptEnabled) {
      problems.push(...await askAxe(page));
      problems.push(...(await page.evaluate(findWide)).map((p) => `with all details open, ${p}`));
    }
  } finally {
    await context.close();
  }
  const where = `${basename(file)}: ${colorScheme}, ${device}, JavaScript ${javaScriptEnabled ? "on" : "off"}`;
  return problems.map((problem) => `${where}: ${problem.replaceAll("\n", " ")}`);
}

async function main() {
  const { pictures, files } = parseArguments(process.argv.slice(2));
  if (pictures !== null) mkdirSync(pictures, { recursive: true });
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, timeout: 180_000, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
  const problems = [];
  try {
    for (const file of files)
      for (const view of views) problems.push(...await look(browser, file, view, pictures));
  } finally {
    await browser.close();
  }
  for (const problem of problems) console.log(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
